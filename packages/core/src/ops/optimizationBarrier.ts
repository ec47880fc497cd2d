/**
 * The identity that no pass sees through: what is computed behind it is not shared with an equal computation before it. Recomputed activations stand
 * behind one. XLA's operation of the same name.
 */

import { at, defineOp } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { anyInput, type NoAttributes } from './check.ts';
import { typeOf } from './elementwise/define.ts';

const optimizationBarrierOp = defineOp<NoAttributes>({
  name: 'optimizationBarrier',
  kind: 'view',
  infer: (inputs) => typeOf(anyInput('optimizationBarrier', inputs)),
  grad: ({ cotangent }) => [cotangent()],
  lower: (inputs) => at(inputs, 0),
  amp: 'follow',
  reference: (inputs) => at(inputs, 0).data.slice(),
  samples: [
    { inputs: [{ shape: [2, 3] }], attrs: {} },
    { inputs: [{ shape: [2], dtype: 'uint32', low: 0, high: 9 }], attrs: {}, note: 'a random key' },
  ],
  errors: [],
});

/** `x`, as a value of its own to every pass. A device without the op takes it away, and then equal computations are one again. */
export function optimizationBarrier(x: Tensor): Tensor {
  return optimizationBarrierOp.one([x], {});
}
