/** Softmax and its logarithm along one axis. */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import type { TensorType } from '../../graph/graph.ts';
import { at, defineOp, type GradientContext, type ReferenceArray } from '../../op.ts';
import { normalizeAxis, stridesOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { floatInput } from '../check.ts';
import { div, mul, sub } from '../elementwise/arithmetic.ts';
import { typeOf } from '../elementwise/define.ts';
import { exp, log } from '../elementwise/exponential.ts';
import { max } from './extremes.ts';
import { sum } from './sum.ts';

type Axis = { axis: number };

function infer(name: string, inputs: readonly TensorType[], { axis }: Axis): TensorType {
  const x = floatInput(name, inputs);
  if (axis >= x.shape.length)
    throw new ShapeError(`${name}: axis ${axis} does not exist in x of rank ${x.shape.length}`);
  return typeOf(x);
}

/** Calls `row` with the flat index of the first element, the stride and the extent of every line along `axis`. */
function eachLine(
  { shape, data }: ReferenceArray,
  axis: number,
  line: (start: number, stride: number, extent: number) => void,
): void {
  const stride = at(stridesOf(shape), axis);
  const extent = at(shape, axis);
  for (let start = 0; start < data.length; start++)
    if (Math.floor(start / stride) % extent === 0) line(start, stride, extent);
}

function normalizeLines(
  inputs: readonly ReferenceArray[],
  axis: number,
  of: (x: number, peak: number, total: number) => number,
) {
  const x = at(inputs, 0);
  const { data } = x;
  const result = numericArray(x.dtype, data.length);
  eachLine(x, axis, (start, stride, extent) => {
    let peak = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < extent; k++) peak = Math.max(peak, data[start + k * stride] ?? 0);
    let total = 0;
    for (let k = 0; k < extent; k++) total += Math.exp((data[start + k * stride] ?? 0) - peak);
    for (let k = 0; k < extent; k++)
      result[start + k * stride] = of(data[start + k * stride] ?? 0, peak, total);
  });
  return result;
}

const samples = [
  { inputs: [{ shape: [3, 5], low: -3, high: 3 }], attrs: { axis: 1 } },
  { inputs: [{ shape: [2, 4, 3], low: -3, high: 3 }], attrs: { axis: 1 }, note: 'an inner axis' },
  {
    inputs: [{ shape: [2, 3], values: [1000, 1001, 999, -1000, 0, 3] }],
    attrs: { axis: 1 },
    note: 'large values',
  },
  { inputs: [{ shape: [2, 9], dtype: 'bfloat16' as const }], attrs: { axis: 1 }, note: '16-bit' },
];
const errors = [
  { inputs: [{ shape: [2], dtype: 'int32' as const }], attrs: { axis: 0 }, message: /x must be float/ },
  {
    inputs: [{ shape: [2], dtype: 'float32' as const }],
    attrs: { axis: 1 },
    message: /axis 1 does not exist in x of rank 1/,
  },
];

const softmaxOp = defineOp<Axis>({
  name: 'softmax',
  kind: 'reduce',
  infer: (inputs, attrs) => infer('softmax', inputs, attrs),
  grad: ({ outputs, attrs: { axis }, cotangent }: GradientContext<Axis>) => {
    const y = at(outputs, 0);
    const weighted = mul(cotangent(), y);
    return [sub(weighted, mul(y, sum(weighted, { axes: [axis], keepDims: true })))];
  },
  lower: (inputs, { axis }) => {
    const x = at(inputs, 0);
    const powers = exp(sub(x, max(x, { axes: [axis], keepDims: true })));
    return div(powers, sum(powers, { axes: [axis], keepDims: true }));
  },
  amp: 'f32',
  reference: (inputs, { axis }) =>
    normalizeLines(inputs, axis, (x, peak, total) => Math.exp(x - peak) / total),
  samples,
  errors,
});

/** exp(x) over its sum along `axis`. */
export function softmax(x: Tensor, axis: number): Tensor {
  return softmaxOp.one([x], { axis: normalizeAxis('softmax', axis, x.rank) });
}

const logSoftmaxOp = defineOp<Axis>({
  name: 'logSoftmax',
  kind: 'reduce',
  infer: (inputs, attrs) => infer('logSoftmax', inputs, attrs),
  grad: ({ outputs, attrs: { axis }, cotangent }: GradientContext<Axis>) => {
    const dy = cotangent();
    return [sub(dy, mul(exp(at(outputs, 0)), sum(dy, { axes: [axis], keepDims: true })))];
  },
  lower: (inputs, { axis }) => {
    const x = at(inputs, 0);
    const shifted = sub(x, max(x, { axes: [axis], keepDims: true }));
    return sub(shifted, log(sum(exp(shifted), { axes: [axis], keepDims: true })));
  },
  amp: 'f32',
  reference: (inputs, { axis }) =>
    normalizeLines(inputs, axis, (x, peak, total) => x - peak - Math.log(total)),
  samples,
  errors,
});

/** log(softmax(x)) along `axis`, without overflow. */
export function logSoftmax(x: Tensor, axis: number): Tensor {
  return logSoftmaxOp.one([x], { axis: normalizeAxis('logSoftmax', axis, x.rank) });
}
