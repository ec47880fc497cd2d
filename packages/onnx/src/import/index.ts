/** Reading ONNX models. */

export type { ExternalData, FilePort } from './file.ts';
export { type ImportOptions, importOnnx, OnnxModule } from './module.ts';
