/** Arithmetic of two operands. NumPy broadcasting; both have one dtype; a plain number adapts to the tensor beside it. */

import type { GradientContext } from '../../op.ts';
import { at } from '../../op.ts';
import type { Tensor } from '../../tensor.ts';
import type { NoAttributes } from '../check.ts';
import { equal, greater, greaterEqual, less } from './compare.ts';
import { defineBinary } from './define.ts';
import { log } from './exponential.ts';
import { logicalAnd } from './logic.ts';
import { neg } from './sign.ts';
import { where } from './where.ts';

type Context = GradientContext<NoAttributes>;

/** Runs a rule a side, but only for the sides that somebody asked for. */
function sides(left: (a: Tensor, b: Tensor, context: Context) => Tensor, right: typeof left) {
  return (context: Context) => {
    const a = at(context.inputs, 0);
    const b = at(context.inputs, 1);
    return [context.needs(0) ? left(a, b, context) : null, context.needs(1) ? right(a, b, context) : null];
  };
}

const integerSample = (...values: number[]) => ({ shape: [values.length], dtype: 'int32' as const, values });

/** a + b. */
export const add = defineBinary({
  name: 'add',
  of: (a, b) => a + b,
  grad: ({ cotangent }) => [cotangent(), cotangent()],
  samples: [{ inputs: [integerSample(1, -2, 3), integerSample(4, 5, -6)], attrs: {}, note: 'integers' }],
});

/** a - b. */
export const sub = defineBinary({
  name: 'sub',
  of: (a, b) => a - b,
  grad: sides(
    (_a, _b, { cotangent }) => cotangent(),
    (_a, _b, { cotangent }) => neg(cotangent()),
  ),
});

/** a * b. */
export const mul = defineBinary({
  name: 'mul',
  of: (a, b) => a * b,
  grad: sides(
    (_a, b, { cotangent }) => mul(cotangent(), b),
    (a, _b, { cotangent }) => mul(cotangent(), a),
  ),
});

/** a / b; integers are divided towards zero. */
export const div = defineBinary({
  name: 'div',
  of: (a, b) => a / b,
  range: [0.5, 2],
  grad: sides(
    (_a, b, { cotangent }) => div(cotangent(), b),
    (_a, b, { cotangent, outputs }) => neg(div(mul(cotangent(), at(outputs, 0)), b)),
  ),
  samples: [{ inputs: [integerSample(7, -7, 6), integerSample(2, 2, -3)], attrs: {}, note: 'integers' }],
});

/** The share of the gradient that goes to the operand that `wins`; both get half of it where they are equal. */
function share(a: Tensor, b: Tensor, wins: (a: Tensor, b: Tensor) => Tensor, dy: Tensor): Tensor {
  return where(wins(a, b), dy, where(equal(a, b), mul(dy, 0.5), mul(dy, 0)));
}

const ties = {
  inputs: [
    { shape: [3], values: [1, 2, 3] },
    { shape: [3], values: [1, 3, 2] },
  ],
  attrs: {},
  note: 'ties',
  skipGradient: 'both operands get half of the gradient where they are equal',
};

/** The larger of a and b. */
export const maximum = defineBinary({
  name: 'maximum',
  of: Math.max,
  grad: sides(
    (a, b, { cotangent }) => share(a, b, greater, cotangent()),
    (a, b, { cotangent }) => share(a, b, less, cotangent()),
  ),
  samples: [ties],
});

/** The smaller of a and b. */
export const minimum = defineBinary({
  name: 'minimum',
  of: Math.min,
  grad: sides(
    (a, b, { cotangent }) => share(a, b, less, cotangent()),
    (a, b, { cotangent }) => share(a, b, greater, cotangent()),
  ),
  samples: [ties],
});

/** a to the power b. A negative base needs a whole exponent; its gradient with respect to the exponent is not a number. */
export const pow = defineBinary({
  name: 'pow',
  of: (a, b) => a ** b,
  accepts: 'floats',
  amp: 'f32',
  range: [0.5, 2],
  grad: sides(
    (a, b, { cotangent }) => {
      const exponent = sub(where(equal(b, 0), 1, b), 1);
      return mul(cotangent(), mul(b, pow(a, exponent)));
    },
    (a, b, { cotangent, outputs }) => {
      const flat = logicalAnd(equal(a, 0), greaterEqual(b, 0));
      return mul(cotangent(), where(flat, 0, mul(at(outputs, 0), log(where(flat, 1, a)))));
    },
  ),
});
