/** What a run tells when its step is compiled and nothing has been trained yet. */

import { sizeOf } from '@omma/core';
import type { BatchLoader } from '../data/loader.ts';
import type { TrainPlan } from '../loops/trainPlan.ts';
import type { Progress } from './context.ts';
import type { StartEvent } from './events.ts';
import type { Runner } from './runner.ts';

/** The parts of a training run that its start tells of. */
export interface Started {
  readonly loader: BatchLoader;
  readonly valLoader: BatchLoader | null;
  readonly plan: TrainPlan;
  readonly progress: Progress;
  readonly resumedFrom: string | null;
  readonly compileMs: number;
}

export function startEvent({ device, amp, model, distributed }: Runner, started: Started): StartEvent {
  const { loader, valLoader, plan, progress, resumedFrom, compileMs } = started;
  return {
    type: 'start',
    device: device.name,
    ranks: distributed?.size ?? 1,
    communicator: distributed?.communicator.name ?? null,
    description: device.capabilities.description,
    amp: amp ?? 'off',
    parameters: model.parameters().reduce((total, { shape }) => total + sizeOf(shape), 0),
    trainSamples: loader.dataset.length,
    valSamples: valLoader?.dataset.length ?? 0,
    iterationsPerEpoch: loader.batchesPerEpoch,
    maxEpochs: plan.maxEpochs,
    maxIterations: plan.maxIterations,
    epoch: progress.epoch,
    iteration: progress.iteration,
    resumedFrom,
    compileMs,
  };
}
