/** What the names of a checkpoint's tensors say: weights have OpenMMLab's names, everything else begins with one of these. */

/** Moments and steps of the optimiser. */
export const optimizerPrefix = 'optimizer.';
/** The random counter, the loss scale. */
export const runPrefix = 'run.';
/** Averaged weights: the prefix, then the weight's own name. */
export const emaPrefix = 'ema.';

const prefixes = [optimizerPrefix, runPrefix, emaPrefix];

/** True for the name of a weight or a buffer of the model. */
export function isModelName(name: string): boolean {
  return !prefixes.some((prefix) => name.startsWith(prefix));
}

/** PyTorch counts batches; nothing is computed from the count while batch norm has a momentum. */
export function isBatchCounter(name: string): boolean {
  return /(^|\.)num_batches_tracked$/.test(name);
}
