/**
 * @omma/ascend: Huawei's Ascend NPUs. The device `ascend`, which importing this registers; and the table of what CANN's compiler and
 * chips take, with the checks made from it.
 *
 * Imports core and onnx only. No library is opened before a device is asked for, and the table needs none.
 */

export { AscendDevice } from './device/device.ts';
export { createAscendDevice } from './device/register.ts';
export * from './check/index.ts';
export * from './operators/index.ts';
