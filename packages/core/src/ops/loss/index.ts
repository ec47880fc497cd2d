/** Losses. */

export { type CrossEntropyOptions, crossEntropy } from './crossEntropy.ts';
export { bceWithLogits, l1, mse, smoothL1 } from './elementwise.ts';
export type { Reduction, ReductionChoice } from './reduction.ts';
