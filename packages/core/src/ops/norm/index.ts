/** Normalisations. */

export { batchNorm, batchNormTrain } from './batchNorm.ts';
export { groupNorm, instanceNorm, l2Normalize, layerNorm } from './groups.ts';
