/** What hooks see of a training run, and may do to it. */

import type { Config } from '../config/types.ts';
import type { DataLoader } from '../data/types.ts';
import type { RunnerEvent, Scalars } from './events.ts';
import type { TrainState } from './trainState.ts';

/** How far a run is. The numbers count finished steps. */
export interface Progress {
  epoch: number;
  iterationInEpoch: number;
  iteration: number;
  /** True from an epoch's last step until its evaluation is done: a run that ends in between makes up for it when it goes on. */
  evaluationDue: boolean;
}

export interface TrainingContext {
  readonly config: Config;
  readonly workDir: string;
  readonly seed: number;
  readonly state: TrainState;
  readonly loader: DataLoader;
  readonly progress: Readonly<Progress>;
  readonly maxEpochs: number;
  /** Shapes and dtypes of a batch's inputs without the batch axis. */
  readonly inputTypes: Record<string, { shape: number[]; dtype: string }>;
  /** The last evaluation's metrics. */
  metrics(): Scalars;
  emit(event: RunnerEvent): void;
  /** Waits for the step in flight, so that state is that of `progress`. */
  drain(): Promise<void>;
}
