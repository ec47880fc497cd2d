/** An index for every row: indexSelect, its derivative indexAdd, and embedding and oneHot, which are built from rows. */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import type { TensorType } from '../../graph/graph.ts';
import { at, defineOp, type GradientContext, noGrad } from '../../op.ts';
import { formatShape, normalizeAxis, type Shape, sameShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { anyInput, floatInput, type NoAttributes, numberInput } from '../check.ts';
import { equal } from '../elementwise/compare.ts';
import { typeOf } from '../elementwise/define.ts';
import { cast } from '../elementwise/parametric.ts';
import { sameDType } from '../operands.ts';
import { iota, zeros } from '../source.ts';
import { expand, reshape, unsqueeze } from '../view/reshape.ts';
import { type Axis, checkedIndex, indexInput, lineAlong } from './define.ts';
import { scatterAdd } from './gather.ts';

function rowIndices(op: string, inputs: readonly TensorType[]): number {
  const { shape } = indexInput(op, inputs);
  if (shape.length !== 1)
    throw new ShapeError(`${op}: indices must have one axis but are ${formatShape(shape)}`);
  return at(shape, 0);
}

/** Calls `row` with the flat starts of each pair of rows: the i-th of a tensor with `count` rows, the named one of `whole`. */
function eachRow(
  op: string,
  whole: Shape,
  axis: number,
  indices: ArrayLike<number>,
  visit: (inWhole: number, inPart: number, length: number) => void,
): void {
  const { stride, extent } = lineAlong(whole, axis);
  const outer = sizeOf(whole.slice(0, axis));
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < indices.length; i++) {
      const index = checkedIndex(op, indices[i], extent);
      visit((o * extent + index) * stride, (o * indices.length + i) * stride, stride);
    }
  }
}

const rows = { shape: [4], dtype: 'int32', values: [4, 0, 0, 2] } as const;

const indexSelectOp = defineOp<Axis>({
  name: 'indexSelect',
  kind: 'index',
  infer: (inputs, { axis }) => {
    const x = anyInput('indexSelect', inputs);
    return { shape: x.shape.with(axis, rowIndices('indexSelect', inputs)), dtype: x.dtype };
  },
  grad: ({ inputs, attrs: { axis }, cotangent }: GradientContext<Axis>) => {
    const dy = cotangent();
    return [indexAdd(zeros(at(inputs, 0).shape, dy.dtype), at(inputs, 1), dy, axis), null];
  },
  amp: 'follow',
  reference: (inputs, { axis }, outputs) => {
    const x = at(inputs, 0);
    const result = numericArray(x.dtype, sizeOf(at(outputs, 0).shape));
    eachRow('indexSelect', x.shape, axis, at(inputs, 1).data, (from, to, length) => {
      result.set(x.data.subarray(from, from + length), to);
    });
    return result;
  },
  samples: [
    { inputs: [{ shape: [5, 3] }, rows], attrs: { axis: 0 } },
    { inputs: [{ shape: [2, 5, 2] }, rows], attrs: { axis: 1 }, note: 'an inner axis' },
  ],
  errors: [
    {
      inputs: [
        { shape: [5, 3], dtype: 'float32' },
        { shape: [2, 2], dtype: 'int32' },
      ],
      attrs: { axis: 0 },
      message: /indices must have one axis but are \[2, 2\]/,
    },
  ],
});

/** The rows of `x` along `axis` that `indices` (int32, one axis) names, in that order. */
export function indexSelect(x: Tensor, indices: Tensor, axis: number): Tensor {
  return indexSelectOp.one([x, indices], { axis: normalizeAxis('indexSelect', axis, x.rank) });
}

const indexAddOp = defineOp<Axis>({
  name: 'indexAdd',
  kind: 'index',
  infer: (inputs, { axis }) => {
    const x = numberInput('indexAdd', inputs);
    const u = numberInput('indexAdd', inputs, 2, 'u');
    sameDType('indexAdd', { x, u });
    const expected = x.shape.with(axis, rowIndices('indexAdd', inputs));
    if (!sameShape(u.shape, expected)) {
      throw new ShapeError(
        `indexAdd: u must be ${formatShape(expected)} for x ${formatShape(x.shape)} but is ${formatShape(u.shape)}`,
      );
    }
    return typeOf(x);
  },
  grad: ({ inputs, attrs: { axis }, cotangent, needs }: GradientContext<Axis>) => [
    cotangent(),
    null,
    needs(2) ? indexSelect(cotangent(), at(inputs, 1), axis) : null,
  ],
  lower: (inputs, { axis }) => {
    const [x, indices, u] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const line = u.shape.map((extent, i) => (i === axis ? extent : 1));
    return scatterAdd(x, expand(reshape(indices, line), u.shape), u, axis);
  },
  amp: 'widest',
  reference: (inputs, { axis }) => {
    const x = at(inputs, 0);
    const { data } = at(inputs, 2);
    const result = x.data.slice();
    eachRow('indexAdd', x.shape, axis, at(inputs, 1).data, (to, from, length) => {
      for (let k = 0; k < length; k++) result[to + k] = (result[to + k] ?? 0) + (data[from + k] ?? 0);
    });
    return result;
  },
  samples: [
    { inputs: [{ shape: [5, 3] }, rows, { shape: [4, 3] }], attrs: { axis: 0 }, note: 'repeated rows' },
    { inputs: [{ shape: [2, 5] }, rows, { shape: [2, 4] }], attrs: { axis: 1 } },
  ],
  errors: [
    {
      inputs: [
        { shape: [5, 3], dtype: 'float32' },
        { shape: [4], dtype: 'int32' },
        { shape: [5, 3], dtype: 'float32' },
      ],
      attrs: { axis: 0 },
      message: /u must be \[4, 3\] for x \[5, 3\] but is \[5, 3\]/,
    },
  ],
});

/** `x` with the rows of `u` added to its rows `indices` (int32) along `axis`. */
export function indexAdd(x: Tensor, indices: Tensor, u: Tensor, axis: number): Tensor {
  return indexAddOp.one([x, indices, u], { axis: normalizeAxis('indexAdd', axis, x.rank) });
}

const embeddingOp = defineOp<NoAttributes>({
  name: 'embedding',
  kind: 'composite',
  infer: (inputs) => {
    const w = floatInput('embedding', inputs, 0, 'w');
    if (w.shape.length !== 2)
      throw new ShapeError(`embedding: w must be [entries, features] but is ${formatShape(w.shape)}`);
    return { shape: [...indexInput('embedding', inputs).shape, at(w.shape, 1)], dtype: w.dtype };
  },
  grad: 'lower',
  lower: (inputs) => {
    const w = at(inputs, 0);
    const indices = at(inputs, 1);
    return reshape(indexSelect(w, reshape(indices, [indices.size]), 0), [...indices.shape, w.dim(1)]);
  },
  amp: 'follow',
  samples: [
    { inputs: [{ shape: [6, 4] }, { shape: [2, 2], dtype: 'int32', values: [1, 5, 0, 1] }], attrs: {} },
  ],
  errors: [
    {
      inputs: [
        { shape: [6], dtype: 'float32' },
        { shape: [2], dtype: 'int32' },
      ],
      attrs: {},
      message: /w must be \[entries, features\] but is \[6\]/,
    },
  ],
});

/** Rows of `w` [entries, features] for `indices` (int32) of any shape: [...indices.shape, features]. */
export function embedding(w: Tensor, indices: Tensor): Tensor {
  return embeddingOp.one([w, indices], {});
}

type Depth = { depth: number };

const oneHotOp = defineOp<Depth>({
  name: 'oneHot',
  kind: 'composite',
  infer: (inputs, { depth }) => ({
    shape: [...indexInput('oneHot', inputs, 0).shape, depth],
    dtype: 'float32',
  }),
  grad: noGrad('its input is an index'),
  lower: (inputs, { depth }) => cast(equal(unsqueeze(at(inputs, 0), -1), iota([depth])), 'float32'),
  amp: 'follow',
  samples: [
    { inputs: [{ shape: [3], dtype: 'int32', values: [3, 0, 4] }], attrs: { depth: 5 } },
    {
      inputs: [{ shape: [2], dtype: 'int32', values: [-1, 9] }],
      attrs: { depth: 3 },
      note: 'no such class: all zeros',
    },
  ],
  errors: [
    {
      inputs: [{ shape: [3], dtype: 'float32' }],
      attrs: { depth: 5 },
      message: /oneHot: indices must be int32/,
    },
  ],
});

/** 1 at the index, 0 elsewhere, along a new last axis of `depth` (float32). An index outside of [0, depth) gives zeros. */
export function oneHot(indices: Tensor, depth: number): Tensor {
  return oneHotOp.one([indices], { depth });
}
