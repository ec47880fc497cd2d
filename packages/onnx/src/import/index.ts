/** Reading ONNX models. */

export type { FilePort } from './file.ts';
export { type ImportOptions, importOnnx, OnnxModule } from './module.ts';
export type { ExternalData } from './tensor.ts';
