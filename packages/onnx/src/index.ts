/**
 * @omma/onnx: a graph lowered to ONNX operators, written as a file or run by ONNX Runtime.
 *
 * A device: imports core only. onnxruntime-node is an optional peer and is imported when first used.
 */
export {};
