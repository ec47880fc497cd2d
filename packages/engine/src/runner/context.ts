/** What hooks see of a run, and may do to it. */

import type { Device } from '@omma/core';
import type { Config } from '../config/types.ts';
import type { DataLoader } from '../data/types.ts';
import type { LoggedImage } from '../log/backend.ts';
import type { TrainPlan } from '../loops/trainPlan.ts';
import type { RunnerEvent, Scalars } from './events.ts';
import type { TrainableModel } from './model.ts';
import type { TrainState } from './trainState.ts';

/** How far a run is. The numbers count finished steps; an epoch is a pass over the data. */
export interface Progress {
  epoch: number;
  iterationInEpoch: number;
  iteration: number;
  /** True from the step after which an evaluation is due until it is done: a run that ends in between makes up for it when it goes on. */
  evaluationDue: boolean;
}

/** In training and in a test. */
export interface RunContext {
  readonly config: Config;
  readonly workDir: string;
  readonly seed: number;
  readonly device: Device;
  readonly model: TrainableModel;
  /** True on the one process that writes files. */
  readonly isMain: boolean;
  emit(event: RunnerEvent): void;
  /** Hands a picture to the log of a training run: to the work directory, `omma board`, TensorBoard, MLflow. Nothing on other ranks than 0, and outside of training. */
  addImage(image: Omit<LoggedImage, 'time' | 'step'>): void;
}

export interface TrainingContext extends RunContext {
  readonly state: TrainState;
  readonly loader: DataLoader;
  readonly progress: Readonly<Progress>;
  readonly plan: TrainPlan;
  /** Shapes and dtypes of a batch's inputs without the batch axis. */
  readonly inputTypes: Record<string, { shape: number[]; dtype: string }>;
  /** The last evaluation's metrics. */
  metrics(): Scalars;
  /** Waits for the step in flight, so that state is that of `progress`. */
  drain(): Promise<void>;
  /** Writes the whole run to `path`, atomically. Main process only. */
  saveCheckpoint(path: string): Promise<void>;
  /** Ends training after the current step. In a distributed run all ranks must call it at the same step. */
  stop(reason: string): void;
}
