/**
 * Activations without parameters. They are ops of their own, so that a device can fuse each with what comes before it; their
 * gradients are plain elementwise ops, except for relu's, which fusion looks for by name.
 */

import { at, defineOp, type GradientContext } from '../../op.ts';
import { broadcastShapes } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { mapElements } from '../broadcast.ts';
import { floatInput, type NoAttributes } from '../check.ts';
import { clip, sigmoid as sigmoidOf, softplus as softplusOf } from '../math.ts';
import { sameDType } from '../operands.ts';
import { add, div, maximum, minimum, mul, sub } from './arithmetic.ts';
import { greater, greaterEqual, less } from './compare.ts';
import { defineUnary } from './define.ts';
import { exp, log1p, square } from './exponential.ts';
import { logicalAnd } from './logic.ts';
import { neg } from './sign.ts';
import { where } from './where.ts';

const kink = (...values: number[]) => ({
  inputs: [{ shape: [values.length], values }],
  attrs: {},
  note: 'at the kinks',
  skipGradient: 'the slope differs on both sides of a kink',
});

/** dy where low < x < high, else 0. */
function between(x: Tensor, low: number, high: number, dy: Tensor): Tensor {
  return where(logicalAnd(greater(x, low), less(x, high)), dy, 0);
}

/** max(x, 0). */
export const relu = defineUnary({
  name: 'relu',
  of: (x) => Math.max(x, 0),
  grad: (_x, y, dy) => reluGrad(dy, y),
  lower: (x): Tensor => maximum(x, 0),
  samples: [kink(-1, 0, 1)],
});

const reluGradOp = defineOp<NoAttributes>({
  name: 'reluGrad',
  kind: 'elementwise',
  infer: (inputs) => {
    const dy = floatInput('reluGrad', inputs, 0, 'dy');
    const y = floatInput('reluGrad', inputs, 1, 'y');
    sameDType('reluGrad', { dy, y });
    return { shape: broadcastShapes('reluGrad', dy.shape, y.shape), dtype: dy.dtype };
  },
  grad: ({ inputs, cotangent }: GradientContext<NoAttributes>) => [
    reluGrad(cotangent(), at(inputs, 1)),
    null,
  ],
  lower: ([dy, y]) => (dy === undefined || y === undefined ? [] : where(greater(y, 0), dy, 0)),
  amp: 'widest',
  reference: mapElements((dy, y) => (y > 0 ? dy : 0)),
  samples: [
    { inputs: [{ shape: [3, 5] }, { shape: [3, 5] }], attrs: {} },
    {
      inputs: [{ shape: [4] }, { shape: [4], values: [-1, 0, 1, 2] }],
      attrs: {},
      note: 'zeros',
      skipGradient: 'a step at 0',
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [2], dtype: 'float32' },
        { shape: [2], dtype: 'float16' },
      ],
      attrs: {},
      message: /reluGrad: dy and y must have the same dtype/,
    },
  ],
});

/** The gradient of relu from its output: dy where y > 0, else 0. */
export function reluGrad(dy: Tensor, y: Tensor): Tensor {
  return reluGradOp.one([dy, y], {});
}

/** min(max(x, 0), 6). */
export const relu6 = defineUnary({
  name: 'relu6',
  of: (x) => clip(x, 0, 6),
  range: [-3, 9],
  grad: (x, _y, dy) => between(x, 0, 6, dy),
  lower: (x): Tensor => minimum(maximum(x, 0), 6),
  samples: [kink(-1, 0, 6, 7)],
});

/** 1 / (1 + exp(-x)). */
export const sigmoid = defineUnary({
  name: 'sigmoid',
  of: sigmoidOf,
  grad: (_x, y, dy) => mul(dy, mul(y, sub(1, y))),
  lower: (x): Tensor => div(1, add(exp(neg(x)), 1)),
});

/** Hyperbolic tangent. */
export const tanh = defineUnary({
  name: 'tanh',
  of: Math.tanh,
  grad: (_x, y, dy) => mul(dy, sub(1, mul(y, y))),
  lower: (x): Tensor => sub(mul(sigmoid(mul(x, 2)), 2), 1),
});

/** x * sigmoid(x), also called swish. */
export const silu = defineUnary({
  name: 'silu',
  of: (x) => x * sigmoidOf(x),
  grad: (x, _y, dy) => {
    const s = sigmoid(x);
    return mul(dy, mul(s, add(mul(x, sub(1, s)), 1)));
  },
  lower: (x): Tensor => mul(x, sigmoid(x)),
});

/** log(1 + exp(x)); x itself above 20, where the two agree to float32. */
export const softplus = defineUnary({
  name: 'softplus',
  of: softplusOf,
  amp: 'f32',
  range: [-5, 25],
  grad: (x, _y, dy) => mul(dy, sigmoid(x)),
  lower: (x): Tensor => where(greater(x, 20), x, log1p(exp(minimum(x, 20)))),
});

/** x * tanh(softplus(x)). */
export const mish = defineUnary({
  name: 'mish',
  of: (x) => x * Math.tanh(softplusOf(x)),
  grad: (x, _y, dy) => {
    const t = tanh(softplus(x));
    return mul(dy, add(t, mul(mul(x, sigmoid(x)), sub(1, square(t)))));
  },
  lower: (x): Tensor => mul(x, tanh(softplus(x))),
});

/** relu6(x + 3) / 6. */
export const hardSigmoid = defineUnary({
  name: 'hardSigmoid',
  of: (x) => clip(x + 3, 0, 6) / 6,
  range: [-5, 5],
  grad: (x, _y, dy) => between(x, -3, 3, div(dy, 6)),
  lower: (x): Tensor => div(relu6(add(x, 3)), 6),
  samples: [kink(-3, 0, 3)],
});

/** x * relu6(x + 3) / 6. */
export const hardSwish = defineUnary({
  name: 'hardSwish',
  of: (x) => (x * clip(x + 3, 0, 6)) / 6,
  range: [-5, 5],
  grad: (x, _y, dy) => {
    const slope = where(less(x, 3), add(div(x, 3), 0.5), 1);
    return mul(dy, where(greaterEqual(x, -3), slope, 0));
  },
  lower: (x): Tensor => mul(x, hardSigmoid(x)),
  samples: [kink(-3, 0, 3)],
});
