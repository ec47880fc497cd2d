/**
 * @omma/ascend: Huawei's Ascend NPUs. The device `ascend`, which importing this registers; and the table of what CANN's compiler and
 * chips take, with the checks made from it.
 *
 * Imports core and onnx only. No library is opened before a device is asked for, and the table needs none.
 */

export * from './check/index.ts';
export { AscendDevice } from './device/device.ts';
export { AscendExecutable, type PreparationTimes } from './device/executable.ts';
export { createAscendDevice } from './device/register.ts';
export { examine, type Finding } from './doctor/examine.ts';
export { aippConfig, type Normalization } from './om/aipp.ts';
export { exportOffline, type OfflineExport, offlineTarget } from './om/export.ts';
export type { Gears } from './om/gears.ts';
export { OfflineModel, type OfflineOutput } from './om/offlineModel.ts';
export * from './operators/index.ts';
export type { Gear } from './worker/protocol.ts';
