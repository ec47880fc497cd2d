/** Slices, and the op that puts a slice's gradient back: each is the other's derivative. */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type GradientContext } from '../../op.ts';
import { formatShape, normalizeAxis, type Shape, sameShape, sizeOf, stridesOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { anyInput } from '../check.ts';
import { stridedIndices, take } from '../strided.ts';
import { pad } from './pad.ts';
import { reshape } from './reshape.ts';

type Slice = { starts: readonly number[]; ends: readonly number[]; steps: readonly number[] };

/** Flat indices, in a tensor of shape `whole`, of the elements that the slice `part` takes. */
function sliceIndices(
  whole: Shape,
  part: Shape,
  starts: readonly number[],
  steps: readonly number[],
): Uint32Array {
  const strides = stridesOf(whole);
  const offset = starts.reduce((sum, start, axis) => sum + start * at(strides, axis), 0);
  return stridedIndices(
    part,
    strides.map((stride, axis) => stride * at(steps, axis)),
    offset,
  );
}

const sliceOp = defineOp<Slice>({
  name: 'slice',
  kind: 'view',
  infer: (inputs, { starts, ends, steps }) => {
    const x = anyInput('slice', inputs);
    const shape = x.shape.map((extent, axis) => {
      const [start, end, step] = [starts[axis] ?? -1, ends[axis] ?? -1, steps[axis] ?? 0];
      if (start < 0 || start > end || end > extent || step < 1) {
        throw new ShapeError(
          `slice: starts ${formatShape(starts)}, ends ${formatShape(ends)}, steps ${formatShape(steps)} do not lie within x ${formatShape(x.shape)} at axis ${axis}`,
        );
      }
      return Math.ceil((end - start) / step);
    });
    return { shape, dtype: x.dtype };
  },
  grad: ({ inputs, attrs: { starts, steps }, cotangent }: GradientContext<Slice>) => [
    sliceGradOp.one([cotangent()], { shape: at(inputs, 0).shape, starts, steps }),
  ],
  amp: 'follow',
  reference: (inputs, { starts, steps }, outputs) => {
    const x = at(inputs, 0);
    return take(x, sliceIndices(x.shape, at(outputs, 0).shape, starts, steps));
  },
  samples: [
    { inputs: [{ shape: [4, 6] }], attrs: { starts: [1, 0], ends: [3, 6], steps: [1, 1] } },
    { inputs: [{ shape: [5, 7] }], attrs: { starts: [0, 1], ends: [5, 7], steps: [2, 3] }, note: 'steps' },
    { inputs: [{ shape: [3, 4] }], attrs: { starts: [0, 2], ends: [3, 2], steps: [1, 1] }, note: 'empty' },
    {
      inputs: [{ shape: [2, 8], dtype: 'bfloat16' }],
      attrs: { starts: [0, 3], ends: [2, 8], steps: [1, 1] },
      note: '16-bit',
    },
  ],
  errors: [
    {
      inputs: [{ shape: [4], dtype: 'float32' }],
      attrs: { starts: [0], ends: [5], steps: [1] },
      message: /do not lie within x \[4\] at axis 0/,
    },
  ],
});

/**
 * Elements from `starts` up to but not including `ends`, every `steps`-th, along `axes` (the first ones unless given).
 * As in NumPy, negative positions count from the back and positions outside are brought to the border. Steps are positive.
 */
export function slice(
  x: Tensor,
  {
    starts,
    ends,
    steps,
    axes,
  }: {
    starts: readonly number[];
    ends: readonly number[];
    steps?: readonly number[];
    axes?: readonly number[];
  },
): Tensor {
  const attrs = { starts: x.shape.map(() => 0), ends: [...x.shape], steps: x.shape.map(() => 1) };
  if (starts.length !== ends.length || (axes !== undefined && axes.length !== starts.length)) {
    throw new ShapeError(
      `slice: starts ${formatShape(starts)}, ends ${formatShape(ends)} and axes must have the same length`,
    );
  }
  starts.forEach((start, i) => {
    const axis = normalizeAxis('slice', axes?.[i] ?? i, x.rank);
    const extent = x.dim(axis);
    const within = (position: number) =>
      Math.min(Math.max(position < 0 ? position + extent : position, 0), extent);
    attrs.starts[axis] = within(start);
    attrs.ends[axis] = Math.max(within(at(ends, i)), within(start));
    attrs.steps[axis] = steps?.[i] ?? 1;
  });
  const whole =
    attrs.starts.every((start) => start === 0) &&
    attrs.steps.every((step) => step === 1) &&
    sameShape(attrs.ends, x.shape);
  return whole ? x : sliceOp.one([x], attrs);
}

type Place = { shape: Shape; starts: readonly number[]; steps: readonly number[] };

export const sliceGradOp = defineOp<Place>({
  name: 'sliceGrad',
  kind: 'view',
  infer: (inputs, { shape, starts, steps }) => {
    const dy = anyInput('sliceGrad', inputs, 0, 'dy');
    const fits =
      dy.shape.length === shape.length &&
      dy.shape.every(
        (extent, axis) => extent === 0 || at(starts, axis) + (extent - 1) * at(steps, axis) < at(shape, axis),
      );
    if (!fits) {
      throw new ShapeError(
        `sliceGrad: dy ${formatShape(dy.shape)} from starts ${formatShape(starts)} in steps ${formatShape(steps)} does not fit into ${formatShape(shape)}`,
      );
    }
    return { shape, dtype: dy.dtype };
  },
  grad: ({ inputs, attrs: { starts, steps }, cotangent }: GradientContext<Place>) => {
    const extents = at(inputs, 0).shape;
    const ends = starts.map(
      (start, axis) => start + Math.max(0, (at(extents, axis) - 1) * at(steps, axis) + 1),
    );
    return [
      slice(cotangent(), {
        starts,
        ends: ends.map((end, axis) => (extents[axis] === 0 ? at(starts, axis) : end)),
        steps,
      }),
    ];
  },
  lower: (inputs, { shape, starts, steps }) => {
    const dy = at(inputs, 0);
    const spaced = steps.reduce((x, step, axis) => insertZeros(x, axis, step), dy);
    return pad(spaced, {
      pads: shape.map((extent, axis) => [at(starts, axis), extent - at(starts, axis) - spaced.dim(axis)]),
    });
  },
  amp: 'follow',
  reference: (inputs, { shape, starts, steps }) => {
    const dy = at(inputs, 0);
    const result = numericArray(dy.dtype, sizeOf(shape));
    sliceIndices(shape, dy.shape, starts, steps).forEach((index, i) => {
      result[index] = dy.data[i] ?? 0;
    });
    return result;
  },
  samples: [
    { inputs: [{ shape: [2, 6] }], attrs: { shape: [4, 6], starts: [1, 0], steps: [1, 1] } },
    { inputs: [{ shape: [3, 2] }], attrs: { shape: [5, 7], starts: [0, 1], steps: [2, 3] }, note: 'steps' },
  ],
  errors: [
    {
      inputs: [{ shape: [3], dtype: 'float32' }],
      attrs: { shape: [4], starts: [2], steps: [1] },
      message: /dy \[3\] from starts \[2\] in steps \[1\] does not fit into \[4\]/,
    },
  ],
});

/** `step` - 1 zeros between neighbours along `axis`. */
function insertZeros(x: Tensor, axis: number, step: number): Tensor {
  const extent = x.dim(axis);
  if (step === 1 || extent <= 1) return x;
  const wide = reshape(x, x.shape.toSpliced(axis + 1, 0, 1));
  const padded = pad(wide, { pads: wide.shape.map((_, i) => [0, i === axis + 1 ? step - 1 : 0]) });
  const merged = reshape(padded, x.shape.with(axis, extent * step));
  return slice(merged, { starts: [0], ends: [(extent - 1) * step + 1], axes: [axis] });
}
