/** What the Runner asks of a model. Tasks implement it (`ImageClassifier`); the Runner never looks inside. */

import type { Tensor, TensorRecord } from '@omma/core';
import type { Module } from '@omma/nn';

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
}
