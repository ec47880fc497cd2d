/**
 * What a Runner tells while it works. The command line draws progress from these events, the JSON-lines log writes them down;
 * neither reaches into the Runner.
 */

import type { SkippedSample } from '../data/types.ts';

/** Named numbers. */
export type Scalars = Readonly<Record<string, number>>;

export interface StartEvent {
  readonly type: 'start';
  readonly device: string;
  readonly description: string;
  readonly amp: 'bfloat16' | 'float16' | 'off';
  /** Processes that train together, and what sums their gradients: `gloo`, `hccl`, `mpi`, `tcp`; null for one alone. */
  readonly ranks: number;
  readonly communicator: string | null;
  readonly parameters: number;
  readonly trainSamples: number;
  readonly valSamples: number;
  readonly iterationsPerEpoch: number;
  readonly maxEpochs: number;
  /** Steps of the whole run; not `maxEpochs` times `iterationsPerEpoch` in a run by iterations. */
  readonly maxIterations: number;
  /** Where it begins; not 0 after a resume. */
  readonly epoch: number;
  readonly iteration: number;
  readonly resumedFrom: string | null;
  /** Milliseconds for trace, differentiation and device compile. */
  readonly compileMs: number;
}

/** After every training step (reported one step late, because the next one is submitted first). */
export interface IterationEvent {
  readonly type: 'iteration';
  /** Zero-based epoch. */
  readonly epoch: number;
  /** One-based position in the epoch, and in the whole run. */
  readonly iterationInEpoch: number;
  readonly iterationsPerEpoch: number;
  readonly iteration: number;
  readonly iterationsTotal: number;
  readonly loss: number;
  /** Loss averaged over the last `logger.interval` steps. */
  readonly smoothedLoss: number;
  /** Other scalars of the step: `gradNorm`, parts of the loss. */
  readonly scalars: Scalars;
  readonly lr: number;
  /** What this step took, and how much of it the device waited for data. */
  readonly seconds: number;
  readonly dataSeconds: number;
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
  /** Share of the time that the device waited for data, 0 to 1. */
  readonly dataWaitShare: number;
}

export interface EpochEvent {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly seconds: number;
  readonly meanLoss: number;
  readonly imagesPerSecond: number;
  readonly dataWaitShare: number;
  readonly skipped: readonly SkippedSample[];
}

/** Weights on their way from a server, in bytes. */
export interface DownloadProgressEvent {
  readonly type: 'downloadProgress';
  readonly location: string;
  readonly done: number;
  readonly total: number;
}

export interface EvaluationProgressEvent {
  readonly type: 'evaluationProgress';
  readonly done: number;
  readonly total: number;
}

export interface EvaluationEvent {
  readonly type: 'evaluation';
  /** Zero-based epoch of the last step, and steps done; null outside of training. */
  readonly epoch: number | null;
  readonly iteration: number | null;
  readonly metrics: Scalars;
  readonly seconds: number;
  readonly samples: number;
  readonly skipped: readonly SkippedSample[];
  /** Details of the metrics, for reports: a confusion matrix. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly path: string;
  readonly epoch: number;
  readonly iteration: number;
  readonly best: boolean;
}

/** Something the user should see that is not an error: a hint from core, a sample that was skipped. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly message: string;
}

/** Something worth knowing about the run: a learning rate that was scaled, an average that has begun. */
export interface NoticeEvent {
  readonly type: 'notice';
  readonly message: string;
}

/** Numbers of a hook's own, for the log: curves over the iterations, beside those of the step. */
export interface ScalarsEvent {
  readonly type: 'scalars';
  /** By the curve's name; `train/` goes in front of one without a group. */
  readonly scalars: Scalars;
  /** Steps done; the last one whose loss is known unless given, which is one behind `progress.iteration` while a step is in flight. */
  readonly iteration?: number;
}

export interface EndEvent {
  readonly type: 'end';
  /** 'stopped': a hook ended it early and said why in a notice. */
  readonly reason: 'finished' | 'stopped' | 'interrupted';
  /** Steps done, those of the sessions before included. */
  readonly iteration: number;
  readonly seconds: number;
  readonly lastCheckpoint: string | null;
  readonly bestCheckpoint: string | null;
  readonly metrics: Scalars;
}

export type RunnerEvent =
  | StartEvent
  | IterationEvent
  | EpochEvent
  | DownloadProgressEvent
  | EvaluationProgressEvent
  | EvaluationEvent
  | CheckpointEvent
  | WarningEvent
  | NoticeEvent
  | ScalarsEvent
  | EndEvent;

export type RunnerListener = (event: RunnerEvent) => void;
