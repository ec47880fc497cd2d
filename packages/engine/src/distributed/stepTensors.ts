/** What the ranks of a data parallel step average, and the parts that both of its forms share. */

import {
  add,
  currentBuilder,
  type HostTensor,
  hostTensor,
  type Tensor,
  type TensorType,
  tensor,
  type Variable,
} from '@omma/core';
import type { BackwardPass } from '../runner/stepParts.ts';
import type { TrainState } from '../runner/trainState.ts';

/** Output above 0 when a rank wants to stop, and the input by which it says so. */
export const stopOutput = 'stop';
export const stopType: TensorType = { shape: [], dtype: 'float32' };

export function stopTensor(stop: boolean): HostTensor {
  return hostTensor([], 'float32', Float32Array.of(stop ? 1 : 0));
}

export interface StepTensors extends BackwardPass {
  /** As `writtenSoFar` gives them. */
  readonly statistics: readonly Variable[];
  readonly stop: Tensor;
}

/**
 * All of it by name; gradients in the order in which the backward pass makes them, so that their sums can begin early. `share` times what is no gradient,
 * which has its share from the backward pass.
 */
export function namedTensors(
  state: TrainState,
  { loss, scalars = {}, gradients, statistics, stop }: StepTensors,
  share = 1,
): Map<string, Tensor> {
  const named = state.trainable().map(([name], i) => [`gradient/${name}`, gradients[i]] as const);
  const tensors = new Map<string, Tensor>();
  for (const [name, gradient] of named.reverse()) if (gradient !== undefined) tensors.set(name, gradient);
  for (const variable of statistics) tensors.set(`state/${variable.name}`, variable.read().mul(share));
  for (const [name, value] of Object.entries({ ...scalars, loss, [stopOutput]: stop }))
    tensors.set(`scalar/${name}`, value.mul(share));
  return tensors;
}

/** The run's random key with a seed of this rank's own: dropout must not drop the same places on every rank. */
export function rankKey(state: TrainState, rank: number): Tensor {
  const key = state.random.read();
  // 2^32 divided by the golden ratio: ranks land far apart.
  return rank === 0 ? key : add(key, tensor([Math.imul(rank, 0x9e3779b9) >>> 0, 0], [2], 'uint32'));
}

/** The float32 variables that this trace has written: what layers keep besides parameters. */
export function writtenSoFar(): Variable[] {
  const builder = currentBuilder();
  if (builder === null) throw new Error('data parallel step: not inside trace');
  return [...builder.written.keys()].flatMap((name) => {
    const variable = builder.variables.get(name);
    return variable?.dtype === 'float32' ? [variable] : [];
  });
}
