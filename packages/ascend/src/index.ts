/**
 * @omma/ascend: Huawei's Ascend NPUs. The table of what CANN's compiler and chips take, and the checks made from it.
 *
 * Imports core and onnx only. Nothing here needs a toolkit or a device before one is asked for.
 */

export * from './operators/index.ts';
