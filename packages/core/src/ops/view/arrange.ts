/** Rearrangements within a tensor: flip, roll, tile, pixel shuffle. */

import { ShapeError } from '../../errors.ts';
import { at, defineOp, type GradientContext } from '../../op.ts';
import { formatShape, normalizeAxes, normalizeAxis, stridesOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { anyInput } from '../check.ts';
import { sub } from '../elementwise/arithmetic.ts';
import { indexSelect } from '../indexing/select.ts';
import { sum } from '../reduce/sum.ts';
import { iota } from '../source.ts';
import { stridedIndices, take } from '../strided.ts';
import { concat } from './join.ts';
import { expand, reshape, transpose } from './reshape.ts';
import { slice } from './slice.ts';

type Flip = { axes: readonly number[] };

const flipOp = defineOp<Flip>({
  name: 'flip',
  kind: 'view',
  infer: (inputs) => ({ shape: anyInput('flip', inputs).shape, dtype: anyInput('flip', inputs).dtype }),
  grad: ({ attrs: { axes }, cotangent }: GradientContext<Flip>) => [flip(cotangent(), axes)],
  lower: (inputs, { axes }) =>
    axes.reduce((x, axis) => indexSelect(x, sub(x.dim(axis) - 1, iota([x.dim(axis)])), axis), at(inputs, 0)),
  amp: 'follow',
  reference: (inputs, { axes }) => {
    const x = at(inputs, 0);
    const strides = stridesOf(x.shape);
    const offset = axes.reduce((sum, axis) => sum + (at(x.shape, axis) - 1) * at(strides, axis), 0);
    return take(
      x,
      stridedIndices(
        x.shape,
        strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride)),
        offset,
      ),
    );
  },
  samples: [
    { inputs: [{ shape: [2, 3] }], attrs: { axes: [1] } },
    { inputs: [{ shape: [2, 3, 4] }], attrs: { axes: [0, 2] } },
  ],
  errors: [],
});

/** Elements in reverse order along `axes`. */
export function flip(x: Tensor, axes: readonly number[]): Tensor {
  const normal = normalizeAxes('flip', axes, x.rank).filter((axis) => x.dim(axis) > 1);
  return normal.length === 0 ? x : flipOp.one([x], { axes: normal });
}

type Roll = { shifts: readonly number[]; axes: readonly number[] };

const rollOp = defineOp<Roll>({
  name: 'roll',
  kind: 'view',
  infer: (inputs, { shifts, axes }) => {
    const x = anyInput('roll', inputs);
    if (shifts.length !== axes.length) {
      throw new ShapeError(
        `roll: shifts ${formatShape(shifts)} and axes ${formatShape(axes)} must have the same length`,
      );
    }
    return { shape: x.shape, dtype: x.dtype };
  },
  grad: ({ attrs: { shifts, axes }, cotangent }: GradientContext<Roll>) => [
    roll(
      cotangent(),
      shifts.map((shift) => -shift),
      axes,
    ),
  ],
  lower: (inputs, { shifts, axes }) =>
    axes.reduce(
      (x, axis, i) => {
        const extent = x.dim(axis);
        const cut = extent - at(shifts, i);
        const back = slice(x, { starts: [cut], ends: [extent], axes: [axis] });
        return concat([back, slice(x, { starts: [0], ends: [cut], axes: [axis] })], axis);
      },
      at(inputs, 0),
    ),
  amp: 'follow',
  samples: [
    { inputs: [{ shape: [2, 5] }], attrs: { shifts: [2], axes: [1] } },
    { inputs: [{ shape: [3, 4, 2] }], attrs: { shifts: [1, 3], axes: [0, 1] } },
  ],
  errors: [
    {
      inputs: [{ shape: [2, 2], dtype: 'float32' }],
      attrs: { shifts: [1], axes: [0, 1] },
      message: /roll: shifts \[1\] and axes \[0, 1\]/,
    },
  ],
});

/** Elements moved `shifts` places along `axes`; what leaves at one end comes back at the other. */
export function roll(x: Tensor, shifts: readonly number[], axes: readonly number[]): Tensor {
  const normal = axes.map((axis) => normalizeAxis('roll', axis, x.rank));
  const positive = shifts.map((shift, i) => {
    const extent = x.dim(at(normal, i));
    return extent === 0 ? 0 : ((shift % extent) + extent) % extent;
  });
  return rollOp.one([x], { shifts: positive, axes: normal });
}

type Tile = { repeats: readonly number[] };

const tileOp = defineOp<Tile>({
  name: 'tile',
  kind: 'view',
  infer: (inputs, { repeats }) => {
    const x = anyInput('tile', inputs);
    if (repeats.length !== x.shape.length || repeats.some((count) => count < 1)) {
      throw new ShapeError(
        `tile: repeats ${formatShape(repeats)} must have a positive count for each axis of x ${formatShape(x.shape)}`,
      );
    }
    return { shape: x.shape.map((extent, axis) => extent * at(repeats, axis)), dtype: x.dtype };
  },
  grad: ({ inputs, attrs: { repeats }, cotangent }: GradientContext<Tile>) => {
    const { shape } = at(inputs, 0);
    const split = reshape(
      cotangent(),
      shape.flatMap((extent, axis) => [at(repeats, axis), extent]),
    );
    return [sum(split, { axes: shape.map((_, axis) => 2 * axis) })];
  },
  lower: (inputs, { repeats }) => {
    const x = at(inputs, 0);
    const apart = reshape(
      x,
      x.shape.flatMap((extent) => [1, extent]),
    );
    const repeated = expand(
      apart,
      x.shape.flatMap((extent, axis) => [at(repeats, axis), extent]),
    );
    return reshape(
      repeated,
      x.shape.map((extent, axis) => extent * at(repeats, axis)),
    );
  },
  amp: 'follow',
  samples: [
    { inputs: [{ shape: [2, 3] }], attrs: { repeats: [2, 3] } },
    { inputs: [{ shape: [2, 1, 2] }], attrs: { repeats: [1, 4, 1] } },
  ],
  errors: [
    {
      inputs: [{ shape: [2, 2], dtype: 'float32' }],
      attrs: { repeats: [2] },
      message: /repeats \[2\] must have a positive count for each axis/,
    },
  ],
});

/** The whole tensor repeated `repeats` times along each axis; new axes appear in front when `repeats` is longer. */
export function tile(x: Tensor, repeats: readonly number[]): Tensor {
  const missing = Math.max(0, repeats.length - x.rank);
  const wide = missing === 0 ? x : reshape(x, [...new Array<number>(missing).fill(1), ...x.shape]);
  return tileOp.one([wide], { repeats });
}

/** [N, C * factor^2, H, W] to [N, C, H * factor, W * factor], as PyTorch's pixel_shuffle. */
export function pixelShuffle(x: Tensor, factor: number): Tensor {
  const [n = 0, channels = 0, h = 0, w = 0] = x.shape;
  if (x.rank !== 4 || channels % (factor * factor) !== 0) {
    throw new ShapeError(
      `pixelShuffle: x must be NCHW with channels divisible by ${factor * factor} but is ${formatShape(x.shape)}`,
    );
  }
  const c = channels / (factor * factor);
  const apart = transpose(reshape(x, [n, c, factor, factor, h, w]), [0, 1, 4, 2, 5, 3]);
  return reshape(apart, [n, c, h * factor, w * factor]);
}
