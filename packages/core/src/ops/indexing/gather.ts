/** An index for every element: gather, and scatterAdd, which is its derivative. */

import type { NumericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type GradientContext } from '../../op.ts';
import { formatShape, normalizeAxis, type Shape, sameShape, stridesOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { anyInput, numberInput } from '../check.ts';
import { add } from '../elementwise/arithmetic.ts';
import { equal } from '../elementwise/compare.ts';
import { typeOf } from '../elementwise/define.ts';
import { where } from '../elementwise/where.ts';
import { sameDType } from '../operands.ts';
import { sum } from '../reduce/sum.ts';
import { iota, zeros } from '../source.ts';
import { stridedIndices, take } from '../strided.ts';
import { pad } from '../view/pad.ts';
import { reshape } from '../view/reshape.ts';
import { type Axis, checkedIndex, indexInput, lineAlong, requireWithin } from './define.ts';

/** Flat indices into `whole` for indices of shape `shape` along `axis`. */
function places(op: string, whole: Shape, shape: Shape, indices: NumericArray, axis: number): Uint32Array {
  const { stride, extent } = lineAlong(whole, axis);
  const flat = stridedIndices(shape, stridesOf(whole).with(axis, 0));
  for (let i = 0; i < flat.length; i++)
    flat[i] = (flat[i] ?? 0) + checkedIndex(op, indices[i], extent) * stride;
  return flat;
}

const gatherOp = defineOp<Axis>({
  name: 'gather',
  kind: 'index',
  infer: (inputs, { axis }) => {
    const x = anyInput('gather', inputs);
    const { shape } = indexInput('gather', inputs);
    requireWithin('gather', x.shape, shape, axis);
    return { shape, dtype: x.dtype };
  },
  grad: ({ inputs, attrs: { axis }, cotangent }: GradientContext<Axis>) => {
    const { shape } = at(inputs, 0);
    const dy = cotangent();
    return [scatterAdd(zeros(shape, dy.dtype), at(inputs, 1), dy, axis), null];
  },
  amp: 'follow',
  reference: (inputs, { axis }) => {
    const x = at(inputs, 0);
    const indices = at(inputs, 1);
    return take(x, places('gather', x.shape, indices.shape, indices.data, axis));
  },
  samples: [
    {
      inputs: [{ shape: [2, 5] }, { shape: [2, 3], dtype: 'int32', values: [0, 4, 4, 2, 2, 1] }],
      attrs: { axis: 1 },
    },
    {
      inputs: [{ shape: [3, 4] }, { shape: [1, 2], dtype: 'int32', values: [2, 0] }],
      attrs: { axis: 0 },
      note: 'fewer indices',
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [2, 5], dtype: 'float32' },
        { shape: [3, 5], dtype: 'int32' },
      ],
      attrs: { axis: 1 },
      message: /indices \[3, 5\] must have the rank of x \[2, 5\]/,
    },
    {
      inputs: [
        { shape: [2], dtype: 'float32' },
        { shape: [2], dtype: 'float32' },
      ],
      attrs: { axis: 0 },
      message: /gather: indices must be int32/,
    },
  ],
});

/** out[i][j] = x[i][indices[i][j]] for axis 1, and so on: torch.gather. The result has the shape of `indices` (int32). */
export function gather(x: Tensor, indices: Tensor, axis: number): Tensor {
  return gatherOp.one([x, indices], { axis: normalizeAxis('gather', axis, x.rank) });
}

const scatterAddOp = defineOp<Axis>({
  name: 'scatterAdd',
  kind: 'index',
  infer: (inputs, { axis }) => {
    const x = numberInput('scatterAdd', inputs);
    const { shape } = indexInput('scatterAdd', inputs);
    const u = numberInput('scatterAdd', inputs, 2, 'u');
    sameDType('scatterAdd', { x, u });
    requireWithin('scatterAdd', x.shape, shape, axis);
    if (!sameShape(shape, u.shape)) {
      throw new ShapeError(
        `scatterAdd: u ${formatShape(u.shape)} and indices ${formatShape(shape)} must have the same shape`,
      );
    }
    return typeOf(x);
  },
  grad: ({ inputs, attrs: { axis }, cotangent, needs }: GradientContext<Axis>) => [
    cotangent(),
    null,
    needs(2) ? gather(cotangent(), at(inputs, 1), axis) : null,
  ],
  // Compares every place with every index: no scatter at all, for devices that have none. Places beyond the indices' extents get nothing.
  lower: (inputs, { axis }) => {
    const [x, indices, u] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const columns = reshape(iota([x.dim(axis)]), [-1, ...indices.shape.slice(axis + 1).map(() => 1)]);
    const split = (t: Tensor) => reshape(t, t.shape.toSpliced(axis + 1, 0, 1));
    const hit = equal(split(indices), columns);
    const parts = sum(where(hit, split(u), 0), { axes: [axis] });
    return add(x, pad(parts, { pads: parts.shape.map((extent, i) => [0, x.dim(i) - extent]) }));
  },
  amp: 'widest',
  reference: (inputs, { axis }) => {
    const x = at(inputs, 0);
    const indices = at(inputs, 1);
    const { data } = at(inputs, 2);
    const result = x.data.slice();
    places('scatterAdd', x.shape, indices.shape, indices.data, axis).forEach((place, i) => {
      result[place] = (result[place] ?? 0) + (data[i] ?? 0);
    });
    return result;
  },
  samples: [
    {
      inputs: [
        { shape: [2, 5] },
        { shape: [2, 3], dtype: 'int32', values: [0, 4, 4, 2, 2, 1] },
        { shape: [2, 3] },
      ],
      attrs: { axis: 1 },
      note: 'repeated places',
    },
    {
      inputs: [{ shape: [3, 4] }, { shape: [1, 2], dtype: 'int32', values: [2, 0] }, { shape: [1, 2] }],
      attrs: { axis: 0 },
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [2, 5], dtype: 'float32' },
        { shape: [2, 3], dtype: 'int32' },
        { shape: [2, 4], dtype: 'float32' },
      ],
      attrs: { axis: 1 },
      message: /u \[2, 4\] and indices \[2, 3\] must have the same shape/,
    },
  ],
});

/** `x` with each element of `u` added at the place that `indices` (int32, u's shape) names along `axis`: torch.scatter_add. */
export function scatterAdd(x: Tensor, indices: Tensor, u: Tensor, axis: number): Tensor {
  return scatterAddOp.one([x, indices, u], { axis: normalizeAxis('scatterAdd', axis, x.rank) });
}
