/**
 * When a hook is due: MMEngine's `every_n_epochs` and its kin, as functions of how far a run is. Progress counts what is done, so they are asked
 * after a step (or an epoch, from `afterTrainEpoch` on), and need no `+ 1`.
 */

import type { TrainingContext } from '../runner/context.ts';

/** How far a run is, and how far it goes. */
export type Place = Pick<TrainingContext, 'progress' | 'plan'>;

/** After an epoch: whether it is the n-th, counted from epoch `start` (zero-based) on. */
export function everyNEpochs({ progress }: Place, n: number, start = 0): boolean {
  return isMultiple(progress.epoch - start, n);
}

/** After a step: whether it is the n-th of the run, counted from iteration `start` on. */
export function everyNIterations({ progress }: Place, n: number, start = 0): boolean {
  return isMultiple(progress.iteration - start, n);
}

/** After a step: whether it is the n-th of its epoch. The last one of an epoch is the first place of the next. */
export function everyNInnerIterations({ progress, plan }: Place, n: number): boolean {
  return isMultiple(progress.iterationInEpoch === 0 ? plan.iterationsPerEpoch : progress.iterationInEpoch, n);
}

/** After a step: whether it was the last one of its epoch. */
export function endOfEpoch({ progress }: Place): boolean {
  return progress.iteration > 0 && progress.iterationInEpoch === 0;
}

/** Before or in an epoch: whether it is the run's last. */
export function isLastTrainEpoch({ progress, plan }: Place): boolean {
  return progress.epoch + 1 === plan.maxEpochs;
}

/** After a step: whether it was the run's last. */
export function isLastTrainIteration({ progress, plan }: Place): boolean {
  return plan.finished(progress);
}

/** True for n, 2n, 3n, ...; never for an `n` of 0. */
function isMultiple(count: number, n: number): boolean {
  return n > 0 && count > 0 && count % n === 0;
}
