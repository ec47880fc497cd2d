/** Joining tensors along an axis, and the functions built from it. */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type GradientContext } from '../../op.ts';
import { formatShape, normalizeAxis, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { anyInput } from '../check.ts';
import { sameDType } from '../operands.ts';
import { unsqueeze } from './reshape.ts';
import { slice } from './slice.ts';

type Axis = { axis: number };

const concatOp = defineOp<Axis>({
  name: 'concat',
  kind: 'view',
  infer: (inputs, { axis }) => {
    const head = anyInput('concat', inputs, 0, 'tensor 0');
    let extent = 0;
    inputs.forEach((input, i) => {
      sameDType('concat', { 'tensor 0': head, [`tensor ${i}`]: input });
      const fits =
        input.shape.length === head.shape.length &&
        input.shape.every((size, a) => a === axis || size === head.shape[a]);
      if (!fits) {
        throw new ShapeError(
          `concat: tensors must agree except along axis ${axis}, but tensor 0 is ${formatShape(head.shape)} and tensor ${i} is ${formatShape(input.shape)}`,
        );
      }
      extent += input.shape[axis] ?? 0;
    });
    return { shape: head.shape.with(axis, extent), dtype: head.dtype };
  },
  grad: ({ inputs, attrs: { axis }, cotangent, needs }: GradientContext<Axis>) => {
    let start = 0;
    return inputs.map((input, i) => {
      const from = start;
      start += input.dim(axis);
      return needs(i) ? slice(cotangent(), { starts: [from], ends: [start], axes: [axis] }) : null;
    });
  },
  amp: 'widest',
  reference: (inputs, { axis }, outputs) => {
    const { shape, dtype } = at(outputs, 0);
    const result = numericArray(dtype, sizeOf(shape));
    const row = sizeOf(shape.slice(axis));
    let offset = 0;
    for (const input of inputs) {
      const part = sizeOf(input.shape.slice(axis));
      const rows = part === 0 ? 0 : input.data.length / part;
      for (let r = 0; r < rows; r++)
        result.set(input.data.subarray(r * part, (r + 1) * part), r * row + offset);
      offset += part;
    }
    return result;
  },
  samples: [
    { inputs: [{ shape: [2, 3] }, { shape: [2, 1] }, { shape: [2, 4] }], attrs: { axis: 1 } },
    { inputs: [{ shape: [1, 2, 2] }, { shape: [3, 2, 2] }], attrs: { axis: 0 } },
    { inputs: [{ shape: [2, 0] }, { shape: [2, 2] }], attrs: { axis: 1 }, note: 'an empty part' },
    {
      inputs: [
        { shape: [2, 3], dtype: 'bfloat16' },
        { shape: [1, 3], dtype: 'bfloat16' },
      ],
      attrs: { axis: 0 },
      note: '16-bit',
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [2, 3], dtype: 'float32' },
        { shape: [3, 3], dtype: 'float32' },
      ],
      attrs: { axis: 1 },
      message: /agree except along axis 1, but tensor 0 is \[2, 3\] and tensor 1 is \[3, 3\]/,
    },
    {
      inputs: [
        { shape: [2], dtype: 'float32' },
        { shape: [2], dtype: 'int32' },
      ],
      attrs: { axis: 0 },
      message: /tensor 0 and tensor 1 must have the same dtype/,
    },
  ],
});

/** The tensors one after another along `axis`; their other extents and dtypes must agree. At least one. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const [head, ...rest] = tensors;
  if (head === undefined) throw new ShapeError('concat: at least one tensor is needed');
  const normal = normalizeAxis('concat', axis, head.rank);
  return rest.length === 0 ? head : concatOp.one(tensors, { axis: normal });
}

/** The tensors, all of one shape, along a new axis at `axis` of the result. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  const head = tensors[0];
  if (head === undefined) throw new ShapeError('stack: at least one tensor is needed');
  const normal = normalizeAxis('stack', axis, head.rank + 1);
  return concat(
    tensors.map((tensor) => unsqueeze(tensor, normal)),
    normal,
  );
}

/** Consecutive pieces of the given `sizes` along `axis`, which they must cover exactly. */
export function split(x: Tensor, sizes: readonly number[], axis = 0): Tensor[] {
  const normal = normalizeAxis('split', axis, x.rank);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== x.dim(normal)) {
    throw new ShapeError(
      `split: sizes ${formatShape(sizes)} add up to ${total} but axis ${axis} of ${formatShape(x.shape)} has ${x.dim(normal)}`,
    );
  }
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return slice(x, { starts: [start - size], ends: [start], axes: [normal] });
  });
}
