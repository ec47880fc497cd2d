/** Hooks: what happens at fixed points of a run besides training itself. Every method is optional and awaited, in list order. */

import type { TrainingContext } from '../runner/context.ts';
import type { EvaluationEvent } from '../runner/events.ts';

export interface Hook {
  beforeTrain?(context: TrainingContext): Promise<void>;
  /** After a step is submitted and the one before it is reported. Must drain (`context.drain()`) before it looks at state. */
  afterTrainIteration?(context: TrainingContext): Promise<void>;
  /** After the last step of an epoch, before evaluation. */
  afterTrainEpoch?(context: TrainingContext): Promise<void>;
  afterEvaluation?(context: TrainingContext, evaluation: EvaluationEvent): Promise<void>;
  /** After evaluation, at the very end of an epoch. */
  afterEpoch?(context: TrainingContext): Promise<void>;
  /** At the end, also of an interrupted run. */
  afterTrain?(context: TrainingContext): Promise<void>;
}
