/**
 * Where a resumed run goes on. With as many ranks as before exactly there; with another number, at the same samples of the epoch, as far as whole
 * steps allow, as MMEngine rescales its iteration.
 */

import { OmmaError } from '@omma/core';
import type { Manifest } from '../checkpoint/manifest.ts';
import type { Progress } from './context.ts';

/** The run that goes on. */
export interface StepLayout {
  readonly batchesPerEpoch: number;
  readonly samplesPerStep: number;
  readonly ranks: number;
}

export interface ResumedPosition {
  readonly progress: Progress;
  /** What has changed, in a line; null when nothing has. */
  readonly notice: string | null;
}

/** The progress that `manifest` holds, in steps of this run. OmmaError when it means nothing in them. */
export function resumedPosition(path: string, manifest: Manifest, run: StepLayout): ResumedPosition {
  const { epoch, iterationInEpoch, iteration, evaluationDue, samplesPerStep, ranks } = manifest;
  if (ranks !== undefined && samplesPerStep !== undefined && ranks !== run.ranks) {
    const seen = iterationInEpoch * samplesPerStep;
    const steps = Math.min(Math.floor(seen / run.samplesPerStep), run.batchesPerEpoch - 1);
    const again = seen - steps * run.samplesPerStep;
    return {
      progress: {
        epoch,
        iterationInEpoch: steps,
        iteration: epoch * run.batchesPerEpoch + steps,
        evaluationDue,
      },
      notice:
        `${path} was written by ${ranks} ranks with ${samplesPerStep} samples a step, and goes on with ${run.ranks} and ${run.samplesPerStep}: iteration ${iteration} becomes ${epoch * run.batchesPerEpoch + steps}` +
        (again > 0 ? `, and ${again} samples of this epoch come twice` : ''),
    };
  }
  if (epoch * run.batchesPerEpoch + iterationInEpoch !== iteration) {
    throw new OmmaError(
      `${path}: is at iteration ${iteration} of epoch ${epoch + 1}, which is not where an epoch of ${run.batchesPerEpoch} iterations would be; resume with the data and batch size it was trained with`,
    );
  }
  return { progress: { epoch, iterationInEpoch, iteration, evaluationDue }, notice: null };
}
