/** Order: sort and the k first of it. Both are stable, so equal elements keep their order. */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import type { TensorType } from '../../graph/graph.ts';
import { at, defineOp, type GradientContext, type ReferenceArray } from '../../op.ts';
import { formatShape, normalizeAxis, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { numberInput } from '../check.ts';
import { zeros } from '../source.ts';
import { lineAlong } from './define.ts';
import { scatterAdd } from './gather.ts';

/** Values and indices of the first `count` elements of every line along `axis`, ordered. NaN counts as the largest number. */
function ordered(
  x: ReferenceArray,
  axis: number,
  count: number,
  descending: boolean,
  outputs: readonly TensorType[],
) {
  const { stride, extent } = lineAlong(x.shape, axis);
  const values = numericArray(x.dtype, sizeOf(at(outputs, 0).shape));
  const indices = numericArray('int32', values.length);
  const key = (i: number) => {
    const value = x.data[i] ?? 0;
    return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
  };
  const direction = descending ? -1 : 1;
  for (let i = 0; i < values.length; i++) {
    if (Math.floor(i / stride) % count !== 0) continue;
    const outer = Math.floor(i / (stride * count));
    const start = outer * stride * extent + (i % stride);
    const order = Array.from({ length: extent }, (_, k) => k).sort((a, b) => {
      const left = key(start + a * stride);
      const right = key(start + b * stride);
      return left === right ? a - b : (left < right ? -1 : 1) * direction;
    });
    for (let k = 0; k < count; k++) {
      const place = order[k] ?? 0;
      values[i + k * stride] = x.data[start + place * stride] ?? 0;
      indices[i + k * stride] = place;
    }
  }
  return [values, indices];
}

/** Sends the gradient of ordered values back to where they came from. */
function sendBack({ inputs, outputs, cotangent }: GradientContext<unknown>, axis: number): Tensor {
  const dy = cotangent();
  return scatterAdd(zeros(at(inputs, 0).shape, dy.dtype), at(outputs, 1), dy, axis);
}

type Sort = { axis: number; descending: boolean };

const sortOp = defineOp<Sort>({
  name: 'sort',
  kind: 'index',
  infer: (inputs) => {
    const { shape, dtype } = numberInput('sort', inputs);
    return [
      { shape, dtype },
      { shape, dtype: 'int32' },
    ];
  },
  grad: (context: GradientContext<Sort>) => [sendBack(context, context.attrs.axis)],
  amp: 'follow',
  reference: (inputs, { axis, descending }, outputs) =>
    ordered(at(inputs, 0), axis, at(at(inputs, 0).shape, axis), descending, outputs),
  samples: [
    { inputs: [{ shape: [3, 9] }], attrs: { axis: 1, descending: true } },
    { inputs: [{ shape: [4, 3] }], attrs: { axis: 0, descending: false } },
    {
      inputs: [{ shape: [5], values: [2, 1, 2, 1, 2] }],
      attrs: { axis: 0, descending: true },
      note: 'ties keep their order',
      skipGradient: 'ties',
    },
  ],
  errors: [
    {
      inputs: [{ shape: [2], dtype: 'bool' }],
      attrs: { axis: 0, descending: false },
      message: /x must hold numbers/,
    },
  ],
});

/** Values in order along `axis`, and the index (int32) each of them had. */
export function sort(
  x: Tensor,
  { axis, descending = false }: { axis: number; descending?: boolean },
): { values: Tensor; indices: Tensor } {
  const [values, indices] = sortOp.all([x], { axis: normalizeAxis('sort', axis, x.rank), descending });
  if (values === undefined || indices === undefined) throw new Error('sort has two outputs');
  return { values, indices };
}

type TopK = { k: number; axis: number; largest: boolean };

const topKOp = defineOp<TopK>({
  name: 'topK',
  kind: 'index',
  infer: (inputs, { k, axis }) => {
    const x = numberInput('topK', inputs);
    if (!Number.isInteger(k) || k < 1 || k > at(x.shape, axis)) {
      throw new ShapeError(
        `topK: k must lie in [1, ${at(x.shape, axis)}] for axis ${axis} of x ${formatShape(x.shape)} but is ${k}`,
      );
    }
    const shape = x.shape.with(axis, k);
    return [
      { shape, dtype: x.dtype },
      { shape, dtype: 'int32' },
    ];
  },
  grad: (context: GradientContext<TopK>) => [sendBack(context, context.attrs.axis)],
  amp: 'follow',
  reference: (inputs, { k, axis, largest }, outputs) => ordered(at(inputs, 0), axis, k, largest, outputs),
  samples: [
    { inputs: [{ shape: [3, 9] }], attrs: { k: 3, axis: 1, largest: true } },
    { inputs: [{ shape: [5, 4] }], attrs: { k: 2, axis: 0, largest: false } },
    {
      inputs: [{ shape: [4], values: [1, 3, 3, 3] }],
      attrs: { k: 2, axis: 0, largest: true },
      note: 'ties',
      skipGradient: 'ties',
    },
  ],
  errors: [
    {
      inputs: [{ shape: [2, 3], dtype: 'float32' }],
      attrs: { k: 4, axis: 1, largest: true },
      message: /k must lie in \[1, 3\] for axis 1/,
    },
  ],
});

/** The `k` largest (or smallest) values along `axis` (the last unless given), in order, and their indices (int32). */
export function topK(
  x: Tensor,
  { k, axis = -1, largest = true }: { k: number; axis?: number; largest?: boolean },
): { values: Tensor; indices: Tensor } {
  const [values, indices] = topKOp.all([x], { k, axis: normalizeAxis('topK', axis, x.rank), largest });
  if (values === undefined || indices === undefined) throw new Error('topK has two outputs');
  return { values, indices };
}
