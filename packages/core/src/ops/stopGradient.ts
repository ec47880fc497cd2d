/** The identity that gradients do not pass. */

import { at, defineOp, noGrad } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { anyInput, type NoAttributes } from './check.ts';
import { typeOf } from './elementwise/define.ts';

const stopGradientOp = defineOp<NoAttributes>({
  name: 'stopGradient',
  kind: 'elementwise',
  infer: (inputs) => typeOf(anyInput('stopGradient', inputs)),
  grad: noGrad('that is what it is for'),
  lower: (inputs) => at(inputs, 0),
  amp: 'follow',
  reference: (inputs) => at(inputs, 0).data.slice(),
  samples: [{ inputs: [{ shape: [2, 3] }], attrs: {} }],
  errors: [],
});

/** `x`, seen by differentiation as a constant. */
export function stopGradient(x: Tensor): Tensor {
  return stopGradientOp.one([x], {});
}
