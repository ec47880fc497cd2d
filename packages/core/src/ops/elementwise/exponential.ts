/** Exponentials, logarithms, powers and trigonometry. Mixed precision computes those that lose digits in float32. */

import { at, defineOp, type GradientContext } from '../../op.ts';
import type { Tensor } from '../../tensor.ts';
import { mapElements } from '../broadcast.ts';
import { floatInput } from '../check.ts';
import { erf as erfOf } from '../math.ts';
import { add, div, mul } from './arithmetic.ts';
import { defineUnary, typeOf } from './define.ts';
import { neg } from './sign.ts';

const positive = [0.25, 3] as const;

/** e to the power x. */
export const exp = defineUnary({ name: 'exp', of: Math.exp, amp: 'f32', grad: (_x, y, dy) => mul(dy, y) });

/** Natural logarithm. */
export const log = defineUnary({
  name: 'log',
  of: Math.log,
  amp: 'f32',
  range: positive,
  grad: (x, _y, dy) => div(dy, x),
});

/** log(1 + x), exact for small x. */
export const log1p = defineUnary({
  name: 'log1p',
  of: Math.log1p,
  amp: 'f32',
  range: [-0.5, 2],
  grad: (x, _y, dy) => div(dy, add(x, 1)),
});

/** Square root. */
export const sqrt = defineUnary({
  name: 'sqrt',
  of: Math.sqrt,
  amp: 'f32',
  range: positive,
  grad: (_x, y, dy) => div(mul(dy, 0.5), y),
});

/** 1 / sqrt(x). */
export const rsqrt = defineUnary({
  name: 'rsqrt',
  of: (x) => 1 / Math.sqrt(x),
  amp: 'f32',
  range: positive,
  grad: (_x, y, dy) => mul(mul(dy, -0.5), mul(y, square(y))),
  lower: (x): Tensor => reciprocal(sqrt(x)),
});

/** 1 / x. */
export const reciprocal = defineUnary({
  name: 'reciprocal',
  of: (x) => 1 / x,
  amp: 'f32',
  range: positive,
  grad: (_x, y, dy) => neg(mul(dy, square(y))),
  lower: (x): Tensor => div(1, x),
});

/** x * x. */
export const square = defineUnary({
  name: 'square',
  of: (x) => x * x,
  amp: 'f32',
  integers: true,
  grad: (x, _y, dy) => mul(mul(dy, 2), x),
  lower: (x): Tensor => mul(x, x),
});

/** Sine; radians. */
export const sin = defineUnary({
  name: 'sin',
  of: Math.sin,
  amp: 'f32',
  grad: (x, _y, dy) => mul(dy, cos(x)),
});

/** Cosine; radians. */
export const cos = defineUnary({
  name: 'cos',
  of: Math.cos,
  amp: 'f32',
  grad: (x, _y, dy) => neg(mul(dy, sin(x))),
});

/** Inverse tangent; radians. */
export const atan = defineUnary({
  name: 'atan',
  of: Math.atan,
  amp: 'f32',
  grad: (x, _y, dy) => div(dy, add(square(x), 1)),
});

/** The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
export const erf = defineUnary({
  name: 'erf',
  of: erfOf,
  grad: (x, _y, dy) => mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))),
});

type Power = { exponent: number };

const powScalarOp = defineOp<Power>({
  name: 'powScalar',
  kind: 'elementwise',
  infer: (inputs) => typeOf(floatInput('powScalar', inputs)),
  grad: ({ inputs, attrs: { exponent }, cotangent }: GradientContext<Power>) => {
    const dy = cotangent();
    if (exponent === 0) return [mul(dy, 0)];
    if (exponent === 1) return [dy];
    return [mul(dy, mul(powScalar(at(inputs, 0), exponent - 1), exponent))];
  },
  amp: 'f32',
  reference: (inputs, { exponent }, outputs) => mapElements((x) => x ** exponent)(inputs, {}, outputs),
  samples: [
    { inputs: [{ shape: [3, 5], low: 0.25, high: 2 }], attrs: { exponent: 1.5 } },
    { inputs: [{ shape: [3, 5] }], attrs: { exponent: 3 }, note: 'negative base, whole exponent' },
    { inputs: [{ shape: [2, 2], low: 0.5, high: 2 }], attrs: { exponent: -2 } },
    { inputs: [{ shape: [4] }], attrs: { exponent: 0 }, note: 'exponent 0' },
  ],
  errors: [
    {
      inputs: [{ shape: [2], dtype: 'int32' }],
      attrs: { exponent: 2 },
      message: /x must be float but is int32\[2\]/,
    },
  ],
});

/** x to the power `exponent`, a plain number. */
export function powScalar(x: Tensor, exponent: number): Tensor {
  return powScalarOp.one([x], { exponent });
}
