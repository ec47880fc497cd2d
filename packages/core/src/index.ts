/**
 * @omma/core: tensors, graphs, gradients, passes, and the device contract. No dependency, no `node:`, no DOM.
 */

export * from './analysis/countOperations.ts';
export * from './analysis/operations.ts';
export * from './compile.ts';
export * from './device/checks.ts';
export * from './device/communicator.ts';
export * from './device/device.ts';
export * from './device/numeric.ts';
export { runNode } from './device/reference.ts';
export * from './device/threads.ts';
export * from './dtype.ts';
export * from './eager.ts';
export * from './errors.ts';
export * from './grad.ts';
export * from './graph/builder.ts';
export * from './graph/fingerprint.ts';
export * from './graph/graph.ts';
export * from './graph/print.ts';
export * from './half.ts';
export * from './lossScale.ts';
export * from './op.ts';
export * from './ops/index.ts';
export * from './passes/index.ts';
export * from './shape.ts';
export * from './tensor.ts';
export * from './trace.ts';
export * from './variable.ts';
export { onWarning } from './warn.ts';

import './ops/methods.ts';
