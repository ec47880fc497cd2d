/** What the Runner asks of a model. Tasks implement it (`ImageClassifier`); the Runner never looks inside. */

import type { Tensor, TensorRecord } from '@omma/core';
import type { Module } from '@omma/nn';
import type { Dataset } from '../data/types.ts';

/** A loss and its parts: what is differentiated, and scalars worth logging. */
export interface Losses {
  readonly loss: Tensor;
  readonly scalars?: TensorRecord;
}

export interface TrainableModel extends Module {
  /** The training loss of a batch (a float32 scalar). Inputs are the batch's, by name. */
  loss(inputs: TensorRecord): Losses;
  /** Predictions for a batch, for metrics: every output has the batch axis in front. */
  predict(inputs: TensorRecord): TensorRecord;
  /** Throws an OmmaError when the model cannot learn or judge this data set: another number of classes. */
  checkDataset?(dataset: Dataset): void;
}
