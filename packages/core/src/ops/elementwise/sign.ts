/** Sign, magnitude, rounding: ops that are straight lines between their steps. */

import { noGrad } from '../../op.ts';
import type { Tensor } from '../../tensor.ts';
import { mul, sub } from './arithmetic.ts';
import { defineUnary } from './define.ts';

const steps = noGrad('it is constant between its steps');

/** -x. */
export const neg = defineUnary({
  name: 'neg',
  of: (x) => -x,
  integers: true,
  grad: (_x, _y, dy) => neg(dy),
  lower: (x): Tensor => sub(0, x),
});

/** |x|; the gradient at 0 is 0. */
export const abs = defineUnary({
  name: 'abs',
  of: Math.abs,
  integers: true,
  grad: (x, _y, dy) => mul(dy, sign(x)),
});

/** -1, 0 or 1. */
export const sign = defineUnary({ name: 'sign', of: Math.sign, integers: true, grad: steps });

const halves = [
  {
    inputs: [{ shape: [6], values: [-1.5, -0.5, 0.5, 1.5, 2.5, -3] }],
    attrs: {},
    note: 'halves and whole numbers',
  },
];

/** The largest whole number not above x. */
export const floor = defineUnary({ name: 'floor', of: Math.floor, grad: steps, samples: halves });
/** The smallest whole number not below x. */
export const ceil = defineUnary({ name: 'ceil', of: Math.ceil, grad: steps, samples: halves });

function roundTiesToEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
}

/** The nearest whole number; halves go to the even one, as in PyTorch and ONNX. */
export const round = defineUnary({ name: 'round', of: roundTiesToEven, grad: steps, samples: halves });
