/**
 * The two halves of a training step: forward, loss and backward; clipping and optimiser. `trainStep` puts both into one graph, the
 * data parallel step into two with a reduction between them. One place for the arithmetic, so that both train the same.
 */

import {
  at,
  gradients as gradientsOf,
  logicalAnd,
  markedOverflow,
  scaledLoss,
  type Tensor,
  type TensorRecord,
  unscaledGradients,
} from '@omma/core';
import { withRandomKey } from '@omma/nn';
import { type ClipGradConfig, clipped } from '../optim/gradients.ts';
import { partOf } from '../optim/parts.ts';
import type { Losses } from './model.ts';
import type { TrainState } from './trainState.ts';

export interface BackwardPass extends Losses {
  /** Of the trainable parameters, in their order; multiplied by the loss scale where there is one. */
  readonly gradients: readonly Tensor[];
}

/**
 * The model's loss on a batch in training mode, drawing random numbers from `key`, and its gradients; `weight` times them where this batch is a part of a
 * larger one.
 */
export function forwardBackward(
  state: TrainState,
  batch: TensorRecord,
  key: Tensor,
  weight = 1,
): BackwardPass {
  state.model.train();
  const losses = withRandomKey(key, () => state.model.loss(batch));
  const wrt = state.trainable().map(([, parameter]) => parameter.read());
  const { lossScale } = state;
  const loss = lossScale === null ? losses.loss : scaledLoss(losses.loss, lossScale);
  const found = gradientsOf(loss.mul(weight), wrt, { recompute: state.recompute });
  return { ...losses, gradients: lossScale === null ? found : markedOverflow(found, lossScale) };
}

export interface UpdateInputs {
  readonly loss: Tensor;
  /** As `forwardBackward` gives them. */
  readonly gradients: readonly Tensor[];
  /** The step's inputs that schedules move. */
  readonly settings: TensorRecord;
  readonly clipGrad: ClipGradConfig | null;
}

/**
 * Moves the parameters and the loss scale, and lets hooks' parts follow. A step whose loss or gradients are not finite leaves the parameters
 * alone, so that what went wrong can still be looked at. Gives `gradNorm` where gradients are clipped by norm.
 */
export function update(state: TrainState, { settings, clipGrad, ...batch }: UpdateInputs): TensorRecord {
  const { lossScale, accumulation } = state;
  const { loss, gradients: raw } = accumulation?.take(batch.gradients, batch.loss) ?? batch;
  const unscaled = lossScale === null ? null : unscaledGradients(raw, lossScale);
  const whole = unscaled?.gradients ?? raw;
  const { gradients, norm } = clipped(whole, clipGrad);
  const finite = loss.isFinite();
  const apply = unscaled === null ? finite : logicalAnd(finite, unscaled.finite);
  const trainable = state.trainable();
  for (const part of state.optimizers) {
    const own = trainable.flatMap((entry, i) =>
      partOf(state.optimizers, entry[0]) === part ? [{ entry, gradient: at(gradients, i) }] : [],
    );
    if (own.length === 0) continue;
    const { lr, ...options } = state.hyperparameters.stepOptions(settings, part.path);
    part.optimizer.step(
      own.map(({ entry }) => entry),
      own.map(({ gradient }) => gradient),
      lr,
      { ...options, apply },
    );
  }
  const added = state.parts.map((part) => part.update?.());
  return Object.assign(norm === null ? {} : { gradNorm: norm }, ...added);
}
