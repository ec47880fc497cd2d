/**
 * Random numbers from a key: a uint32[2] tensor of seed and counter. The key is state of the graph, each op has its own static
 * `salt`, so a run is reproduced exactly from its seed on every device. `advance` moves the counter at the end of a step.
 */

import { ShapeError } from '../../errors.ts';
import type { TensorType } from '../../graph/graph.ts';
import { at, defineOp, noGrad } from '../../op.ts';
import { formatShape, type Shape, sameShape, sizeOf } from '../../shape.ts';
import { type Tensor, tensor } from '../../tensor.ts';
import type { Variable } from '../../variable.ts';
import { typedInput } from '../check.ts';
import { add, div, mul, sub } from '../elementwise/arithmetic.ts';
import { greaterEqual } from '../elementwise/compare.ts';
import { cos, log, sqrt } from '../elementwise/exponential.ts';
import { cast } from '../elementwise/parametric.ts';
import { where } from '../elementwise/where.ts';
import { reshape } from '../view/reshape.ts';
import { slice } from '../view/slice.ts';
import { threefry2x32 } from './threefry.ts';

type Draw = { shape: Shape; salt: number };

function checkKey(op: string, inputs: readonly TensorType[], { shape, salt }: Draw): Shape {
  const key = typedInput(op, inputs, 0, 'key', 'uint32');
  if (!sameShape(key.shape, [2]))
    throw new ShapeError(`${op}: key must be uint32[2], seed and counter, but is ${formatShape(key.shape)}`);
  if (!Number.isInteger(salt) || salt < 0 || salt > 0xffffffff) {
    throw new ShapeError(`${op}: salt must be a whole number in [0, 2^32) but is ${salt}`);
  }
  return shape;
}

const noGradient = noGrad('it does not depend on anything continuous');
const key = { shape: [2], dtype: 'uint32', values: [42, 7] } as const;
const samples = [
  { inputs: [key], attrs: { shape: [5], salt: 0 } },
  { inputs: [key], attrs: { shape: [2, 3, 4], salt: 12345 } },
  {
    inputs: [{ ...key, values: [0xffffffff, 0xffffffff] }],
    attrs: { shape: [4], salt: 3 },
    note: 'large key',
  },
];
const errors = [
  {
    inputs: [{ shape: [2], dtype: 'int32' as const }],
    attrs: { shape: [3], salt: 0 },
    message: /key must be uint32 but is int32\[2\]/,
  },
  {
    inputs: [{ shape: [3], dtype: 'uint32' as const }],
    attrs: { shape: [3], salt: 0 },
    message: /key must be uint32\[2\]/,
  },
  {
    inputs: [{ shape: [2], dtype: 'uint32' as const }],
    attrs: { shape: [3], salt: -1 },
    message: /salt must be a whole number/,
  },
];

function drawBits(seed: number, counter: number, salt: number, size: number): Uint32Array {
  const bits = new Uint32Array(size);
  for (let i = 0; i < size; i += 2) {
    const [first, second] = threefry2x32([seed, salt], [counter, i >>> 1]);
    bits[i] = first;
    if (i + 1 < size) bits[i + 1] = second;
  }
  return bits;
}

const randomBitsOp = defineOp<Draw>({
  name: 'randomBits',
  kind: 'random',
  infer: (inputs, attrs) => ({ shape: checkKey('randomBits', inputs, attrs), dtype: 'uint32' }),
  grad: noGradient,
  amp: 'follow',
  reference: (inputs, { shape, salt }) => {
    const { data } = at(inputs, 0);
    return drawBits(data[0] ?? 0, data[1] ?? 0, salt, sizeOf(shape));
  },
  samples,
  errors,
});

/** Uniform 32-bit words (uint32). Element i is word i mod 2 of threefry2x32([seed, salt], [counter, i / 2]). */
export function randomBits(key: Tensor, shape: Shape, salt: number): Tensor {
  return randomBitsOp.one([key], { shape, salt });
}

const randomUniformOp = defineOp<Draw>({
  name: 'randomUniform',
  kind: 'random',
  infer: (inputs, attrs) => ({ shape: checkKey('randomUniform', inputs, attrs), dtype: 'float32' }),
  grad: noGradient,
  lower: (inputs, { shape, salt }) =>
    mul(cast(div(randomBits(at(inputs, 0), shape, salt), 256), 'float32'), 2 ** -24),
  amp: 'follow',
  reference: (inputs, { shape, salt }) => {
    const { data } = at(inputs, 0);
    return Float64Array.from(
      drawBits(data[0] ?? 0, data[1] ?? 0, salt, sizeOf(shape)),
      (bits) => (bits >>> 8) * 2 ** -24,
    );
  },
  samples,
  errors,
});

/** Uniform float32 numbers in [0, 1), multiples of 2^-24. `salt` tells draws of one step apart. */
export function randomUniform(key: Tensor, shape: Shape, salt: number): Tensor {
  return randomUniformOp.one([key], { shape, salt });
}

const randomNormalOp = defineOp<Draw>({
  name: 'randomNormal',
  kind: 'random',
  infer: (inputs, attrs) => ({ shape: checkKey('randomNormal', inputs, attrs), dtype: 'float32' }),
  grad: noGradient,
  // Box and Muller 1958, over the two halves of one uniform draw; 1 - u keeps the logarithm finite.
  lower: (inputs, { shape, salt }) => {
    const size = sizeOf(shape);
    const uniform = randomUniform(at(inputs, 0), [2 * size], salt);
    const radius = sqrt(mul(log(sub(1, slice(uniform, { starts: [0], ends: [size] }))), -2));
    const angle = mul(slice(uniform, { starts: [size], ends: [2 * size] }), 2 * Math.PI);
    return reshape(mul(radius, cos(angle)), shape);
  },
  amp: 'follow',
  samples,
  errors,
});

/** Normally distributed float32 numbers of mean 0 and variance 1. `salt` tells draws of one step apart. */
export function randomNormal(key: Tensor, shape: Shape, salt: number): Tensor {
  return randomNormalOp.one([key], { shape, salt });
}

/**
 * `x` with each element zero with probability `p` in [0, 1), the others divided by 1 - p so that the mean stays.
 * For training only; the identity for p = 0.
 */
export function dropout(x: Tensor, { p, key, salt }: { p: number; key: Tensor; salt: number }): Tensor {
  if (!(p >= 0 && p < 1)) throw new ShapeError(`dropout: p must lie in [0, 1) but is ${p}`);
  if (p === 0) return x;
  const keep = greaterEqual(randomUniform(key, x.shape, salt), p);
  return where(keep, mul(x, 1 / (1 - p)), 0);
}

/** The key held by `variable` (uint32[2]: seed, counter) at this step. */
export function randomKey(variable: Variable): Tensor {
  return variable.read();
}

/** Moves the counter of the key in `variable` by one: the next step draws other numbers. */
export function advance(variable: Variable): void {
  variable.write(add(variable.read(), tensor([0, 1], [2], 'uint32')));
}
