/**
 * The training step: forward, loss, backward, clipping, optimiser, batch-norm statistics and random counter, as one compiled graph.
 * A batch and a learning rate go in, the loss comes out; everything else stays on the device.
 */

import {
  advance,
  type CompiledFunction,
  compile,
  type Device,
  type HostTensor,
  type MixedPrecision,
  OmmaError,
  type TensorRecord,
  type TensorType,
} from '@omma/core';
import { forwardBackward, update } from './stepParts.ts';
import type { TrainState } from './trainState.ts';

export interface TrainStepOptions {
  readonly device: Device;
  readonly amp: MixedPrecision | null;
  readonly maxNorm: number | null;
}

/** A compiled training step: a batch and `lr` in, scalars out. On one device it is one `CompiledFunction`, on several there is more to it. */
export interface TrainStep {
  (inputs?: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>;
  /** Compiles for these input types without running. */
  prepare(inputs: Readonly<Record<string, TensorType>>): Promise<unknown>;
  dispose(): void;
}

/** Name of the learning rate among the step's inputs. */
export const lrInput = 'lr';

/** Compiles the step of `state` for one device. Outputs: `loss`, `gradNorm` when gradients are clipped, and the model's own scalars. */
export function compileTrainStep(
  state: TrainState,
  { device, amp, maxNorm }: TrainStepOptions,
): CompiledFunction {
  const step = (inputs: TensorRecord): TensorRecord => {
    const { [lrInput]: lr, ...batch } = inputs;
    if (lr === undefined) throw new OmmaError('train step: the input lr is missing');
    const { loss, scalars = {}, gradients } = forwardBackward(state, batch, state.random.read());
    const outputs = update(state, { loss, gradients, lr, maxNorm });
    advance(state.random);
    return { loss, ...outputs, ...scalars };
  };
  return compile(step, { device, name: 'train step', ...(amp === null ? {} : { amp }) });
}
