/**
 * Hooks: what happens at fixed points of a run besides training itself. Checkpoints, logs, averaged weights and early stopping are hooks,
 * written against this interface and nothing else.
 *
 * Every method is optional and awaited. At each point hooks run by priority, those of equal priority in the order in which they were
 * added. In a distributed run every rank has the same hooks; one that writes files asks `context.isMain`.
 */

import type { HostTensor } from '@omma/core';
import type { CheckpointDraft, LoadedState } from '../checkpoint/draft.ts';
import type { Batch } from '../data/types.ts';
import type { RunContext, TrainingContext } from '../runner/context.ts';
import type { EndEvent, EvaluationEvent, IterationEvent } from '../runner/events.ts';
import type { TrainSetup } from '../runner/setup.ts';
import type { Priority } from './priority.ts';

export interface Hook {
  /** In messages, and the key of its saved state. Needed by hooks that have `saveState`. */
  readonly name?: string;
  /** NORMAL unless given. A config's `priority` wins over it. */
  readonly priority?: Priority;

  /** Before weights are restored and the step is compiled: may add state and arithmetic to the step, or ask for its profile. */
  setUp?(setup: TrainSetup): void;
  /** What the hook wants to find again when the run is resumed: plain JSON data, kept in every checkpoint. `path`: of the one it will be in. */
  saveState?(path: string): unknown;
  /** Gets what `saveState` gave, before training starts. Never trust it: it comes from a file, `path`, which may have moved since. */
  loadState?(state: unknown, path: string): void;
  /** In a dry run (`omma train --check`), with the names of the metrics that evaluations give: OmmaError for what would end the run, `warn` for the rest. */
  checkMetrics?(known: readonly string[], warn: (message: string) => void): void;

  /** At the very beginning of training or of a test, before anything is loaded. */
  beforeRun?(context: RunContext): Promise<void>;
  /** When a checkpoint was read to go on from, before its numbers go into the state: may rewrite them. Main process only. */
  afterLoadCheckpoint?(context: RunContext, loaded: LoadedState): Promise<void>;
  beforeTrain?(context: TrainingContext): Promise<void>;
  beforeTrainEpoch?(context: TrainingContext): Promise<void>;
  /** Before the step on `batch` is submitted. Its arrays are the loader's again when the step is reported: copy what is to be kept. */
  beforeTrainIteration?(context: TrainingContext, batch: Batch): Promise<void>;
  /** After a step is submitted and the one before it is reported. Must drain (`context.drain()`) before it looks at state. */
  afterTrainIteration?(context: TrainingContext): Promise<void>;
  /** When a step's loss and scalars have come back from the device: one step later than `afterTrainIteration`, or when the pipe is drained. */
  afterTrainOutputs?(context: TrainingContext, event: IterationEvent): Promise<void>;
  /** After the last step of an epoch (a pass over the data), before evaluation. */
  afterTrainEpoch?(context: TrainingContext): Promise<void>;
  /** Before an evaluation during training; all steps are done. */
  beforeVal?(context: TrainingContext): Promise<void>;
  beforeValIteration?(context: TrainingContext, batch: Batch): Promise<void>;
  /** `outputs` are the model's predictions for this rank's batch, of which the first `batch.count` rows count. */
  afterValIteration?(context: TrainingContext, batch: Batch, outputs: Outputs): Promise<void>;
  afterVal?(context: TrainingContext, evaluation: EvaluationEvent): Promise<void>;
  /** After evaluation, at the very end of an epoch. */
  afterEpoch?(context: TrainingContext): Promise<void>;
  /** Before a checkpoint is written: may change what goes into it. Main process only. */
  beforeSaveCheckpoint?(context: TrainingContext, draft: CheckpointDraft): Promise<void>;
  /** At the end of training, also of one that was interrupted or stopped early. */
  afterTrain?(context: TrainingContext): Promise<void>;

  beforeTest?(context: RunContext): Promise<void>;
  beforeTestIteration?(context: RunContext, batch: Batch): Promise<void>;
  afterTestIteration?(context: RunContext, batch: Batch, outputs: Outputs): Promise<void>;
  afterTest?(context: RunContext, evaluation: EvaluationEvent): Promise<void>;
  /** At the very end; `end` is null after a test. Not called when the run failed. */
  afterRun?(context: RunContext, end: EndEvent | null): Promise<void>;
}

/** Every point of a run, in order. */
export const hookPoints = [
  'setUp',
  'loadState',
  'beforeRun',
  'afterLoadCheckpoint',
  'beforeTrain',
  'beforeTrainEpoch',
  'beforeTrainIteration',
  'afterTrainIteration',
  'afterTrainOutputs',
  'afterTrainEpoch',
  'beforeVal',
  'beforeValIteration',
  'afterValIteration',
  'afterVal',
  'afterEpoch',
  'beforeSaveCheckpoint',
  'saveState',
  'afterTrain',
  'beforeTest',
  'beforeTestIteration',
  'afterTestIteration',
  'afterTest',
  'afterRun',
] as const satisfies readonly (keyof Hook)[];

export type HookPoint = (typeof hookPoints)[number];

type Outputs = Readonly<Record<string, HostTensor>>;
