/**
 * The training step: forward, loss, backward, clipping, optimiser, batch-norm statistics and random counter, as one compiled graph.
 * A batch and a learning rate go in, the loss comes out; everything else stays on the device.
 */

import {
  advance,
  type CompiledFunction,
  compile,
  type Device,
  gradients,
  logicalAnd,
  type MixedPrecision,
  OmmaError,
  scaledGradients,
  type TensorRecord,
} from '@omma/core';
import { clipGradNorm, withRandomKey } from '@omma/nn';
import type { TrainState } from './trainState.ts';

export interface TrainStepOptions {
  readonly device: Device;
  readonly amp: MixedPrecision | null;
  readonly maxNorm: number | null;
}

/** Name of the learning rate among the step's inputs. */
export const lrInput = 'lr';

/**
 * Compiles the step of `state`. Outputs: `loss`, `gradNorm` when gradients are clipped, and the model's own scalars. A step whose
 * loss is not finite leaves the parameters alone, so that what went wrong can still be looked at.
 */
export function compileTrainStep(
  state: TrainState,
  { device, amp, maxNorm }: TrainStepOptions,
): CompiledFunction {
  const step = (inputs: TensorRecord): TensorRecord => {
    const { [lrInput]: lr, ...batch } = inputs;
    if (lr === undefined) throw new OmmaError('train step: the input lr is missing');
    state.model.train();
    const { loss, scalars = {} } = withRandomKey(state.random.read(), () => state.model.loss(batch));
    const parameters = state.trainable();
    const { lossScale } = state;
    const wrt = parameters.map(([, parameter]) => parameter.read());
    const scaled = lossScale === null ? null : scaledGradients(loss, wrt, lossScale);
    const raw = scaled?.gradients ?? gradients(loss, wrt);
    const clipped = maxNorm === null ? null : clipGradNorm(raw, maxNorm);
    const finite = loss.isFinite();
    const apply = scaled === null ? finite : logicalAnd(finite, scaled.finite);
    state.optimizer.step(parameters, clipped?.gradients ?? raw, lr, { apply });
    advance(state.random);
    return { loss, ...(clipped === null ? {} : { gradNorm: clipped.norm }), ...scalars };
  };
  return compile(step, { device, name: 'train step', ...(amp === null ? {} : { amp }) });
}
