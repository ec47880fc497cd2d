/**
 * @omma/onnx/web: the same package for a browser: importing it registers the devices `onnx` (WebAssembly) and, where the browser has it,
 * `onnx:webgpu`. Export works there too; what needs Node (`openOnnx`, `checkOnnx`) is left out.
 */

export { createOnnxDevice, type WebProvider } from './device/web.ts';
export { type ExportOptions, exportOnnx } from './export.ts';
export type { Weights } from './foldBatchNorm.ts';
