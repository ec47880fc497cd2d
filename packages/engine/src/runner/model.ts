/** What the Runner asks of a model. Tasks implement it (`ImageClassifier`); the Runner never looks inside. */

import type { HostTensor, Tensor, TensorRecord } from '@omma/core';
import type { Module } from '@omma/nn';
import type { Batch, Dataset } from '../data/types.ts';
import type { LoggedImage } from '../log/backend.ts';

/** A loss and its parts: what is differentiated, and scalars worth logging. */
export interface Losses {
  readonly loss: Tensor;
  readonly scalars?: TensorRecord;
}

/** One sample of an evaluated batch, and what was predicted for it. */
export interface EvaluatedSample {
  readonly batch: Batch;
  readonly outputs: Readonly<Record<string, HostTensor>>;
  readonly row: number;
  readonly classes: readonly string[];
}

export type DrawnSample = Omit<LoggedImage, 'time' | 'step' | 'name'>;

export interface TrainableModel extends Module {
  /** The training loss of a batch (a float32 scalar). Inputs are the batch's, by name. */
  loss(inputs: TensorRecord): Losses;
  /** Predictions for a batch, for metrics: every output has the batch axis in front. */
  predict(inputs: TensorRecord): TensorRecord;
  /** How bytes of pictures become what the network takes, per channel on the scale 0 to 255, where the model does that itself. */
  readonly normalization?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** Throws an OmmaError when the model cannot learn or judge this data set: another number of classes. */
  checkDataset?(dataset: Dataset): void;
  /** A picture of the sample with its prediction drawn on it; null where there is nothing to draw. */
  draw?(sample: EvaluatedSample): Promise<DrawnSample | null>;
}

/** Test-time augmentation: several views of a batch, one prediction. */
export interface TtaModel {
  /** As `model.predict`, from more views than one. Called inside `trace`, in evaluation mode. */
  predict(model: TrainableModel, inputs: TensorRecord): TensorRecord;
}
