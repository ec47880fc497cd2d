/**
 * An operator that Omma does not have, written as a user's package would: with `defineOp` and nothing else. CONTRIBUTING.md walks
 * through this file.
 *
 * squareplus(x) = (x + sqrt(x^2 + b)) / 2, a smooth relu (Barron, "Squareplus: a softplus-like algebraic rectifier", 2021).
 */
import { add, defineOp, div, mul, numericArray, ShapeError, sqrt, square, type Tensor } from '@omma/core';

export const squareplusOp = defineOp<{ b: number }>({
  name: 'squareplus',
  kind: 'elementwise',
  infer: ([x], { b }) => {
    if (x === undefined) throw new ShapeError('squareplus: one input is expected');
    if (b < 0) throw new ShapeError(`squareplus: b must be at least 0 but is ${b}`);
    return x;
  },
  grad: ({ inputs: [x], attrs: { b }, cotangent }) => {
    if (x === undefined) return [null];
    const slope = div(add(div(x, sqrt(add(square(x), b))), 1), 2);
    return [mul(cotangent(), slope)];
  },
  lower: ([x], { b }) => {
    if (x === undefined) throw new ShapeError('squareplus: one input is expected');
    return div(add(x, sqrt(add(square(x), b))), 2);
  },
  amp: 'follow',
  reference: ([x], { b }) => {
    const out = numericArray('float32', x?.data.length ?? 0);
    x?.data.forEach((value, i) => {
      out[i] = (value + Math.sqrt(value * value + b)) / 2;
    });
    return out;
  },
  samples: [{ inputs: [{ shape: [3, 5], low: -4, high: 4 }], attrs: { b: 4 } }],
  errors: [{ inputs: [{ shape: [2], dtype: 'float32' }], attrs: { b: -1 }, message: /b must be at least 0/ }],
});

/** A smooth relu. `b` sets the width of the bend, 4 unless given. */
export function squareplus(x: Tensor, b = 4): Tensor {
  return squareplusOp.one([x], { b });
}
