/** The training step of a run: of one process, or of one among several. */

import { compileDataParallelStep } from '../distributed/dataParallelStep.ts';
import type { Runner } from './runner.ts';
import type { TrainState } from './trainState.ts';
import { compileTrainStep, type TrainStep, type TrainStepCall, type TrainStepOptions } from './trainStep.ts';

/** What fails because another rank is gone says so, in a distributed run. */
export function runStep(runner: Runner, state: TrainState, options: TrainStepOptions): TrainStep {
  const { distributed } = runner;
  if (distributed === null) return compileTrainStep(state, options);
  const step = compileDataParallelStep(state, {
    ...options,
    communicator: distributed.communicator,
    sumsInside: runner.config.syncBn === true,
    stopping: () => runner.options.signal?.aborted ?? false,
  });
  const { prepare, profile, dispose } = step;
  const guarded: TrainStepCall = (inputs, updates) => distributed.guard(step(inputs, updates));
  return Object.assign(guarded, { prepare, profile, dispose });
}
