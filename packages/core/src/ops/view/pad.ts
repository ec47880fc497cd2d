/** Padding with a constant or with the reflected border. */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type GradientContext } from '../../op.ts';
import { formatShape, sizeOf, stridesOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { anyInput } from '../check.ts';
import { add } from '../elementwise/arithmetic.ts';
import { full, type JsonNumber, toJsonNumber } from '../source.ts';
import { stridedIndices } from '../strided.ts';
import { flip } from './arrange.ts';
import { concat } from './join.ts';
import { slice } from './slice.ts';

type Border = readonly [before: number, after: number];
type Pad = { pads: readonly Border[]; mode: 'constant' | 'reflect'; value: JsonNumber };

const padOp = defineOp<Pad>({
  name: 'pad',
  kind: 'view',
  infer: (inputs, { pads, mode }) => {
    const x = anyInput('pad', inputs);
    if (pads.length !== x.shape.length) {
      throw new ShapeError(
        `pad: pads must have one [before, after] an axis; x is ${formatShape(x.shape)} but pads has ${pads.length}`,
      );
    }
    const shape = x.shape.map((extent, axis) => {
      const [before, after] = at(pads, axis);
      const most = mode === 'reflect' ? extent - 1 : Number.POSITIVE_INFINITY;
      if (before < 0 || after < 0 || (before + after > 0 && Math.max(before, after) > most)) {
        throw new ShapeError(
          `pad: [${before}, ${after}] at axis ${axis} of x ${formatShape(x.shape)} must lie in [0, ${most}] (${mode})`,
        );
      }
      return extent + before + after;
    });
    return { shape, dtype: x.dtype };
  },
  grad: ({ inputs, attrs: { pads, mode }, cotangent }: GradientContext<Pad>) => {
    const { shape } = at(inputs, 0);
    if (mode === 'constant') return [crop(cotangent(), pads, shape)];
    return [
      shape.reduce((dy, extent, axis) => foldReflection(dy, axis, at(pads, axis), extent), cotangent()),
    ];
  },
  amp: 'follow',
  reference: (inputs, { pads, mode, value }, outputs) => {
    const x = at(inputs, 0);
    const { shape, dtype } = at(outputs, 0);
    const result = numericArray(dtype, sizeOf(shape)).fill(Number(value));
    const strides = stridesOf(shape);
    const offset = pads.reduce((sum, [before], axis) => sum + before * at(strides, axis), 0);
    stridedIndices(x.shape, strides, offset).forEach((index, i) => {
      result[index] = x.data[i] ?? 0;
    });
    if (mode === 'reflect') {
      for (let i = 0; i < result.length; i++) {
        let from = 0;
        shape.forEach((extent, axis) => {
          const [before, after] = at(pads, axis);
          const position = (Math.floor(i / at(strides, axis)) % extent) - before;
          const last = extent - before - after - 1;
          from +=
            (before + (position < 0 ? -position : position > last ? 2 * last - position : position)) *
            at(strides, axis);
        });
        result[i] = result[from] ?? 0;
      }
    }
    return result;
  },
  lower: (inputs, { pads, mode, value }) =>
    pads.reduce(
      (y, border, axis) =>
        mode === 'reflect' ? reflect(y, axis, border) : surround(y, axis, border, Number(value)),
      at(inputs, 0),
    ),
  samples: [
    {
      inputs: [{ shape: [2, 3] }],
      attrs: {
        pads: [
          [1, 0],
          [0, 2],
        ],
        mode: 'constant',
        value: 0.5,
      },
    },
    {
      inputs: [{ shape: [2, 4, 5] }],
      attrs: {
        pads: [
          [0, 0],
          [3, 1],
          [2, 2],
        ],
        mode: 'reflect',
        value: 0,
      },
      note: 'reflect',
    },
    {
      inputs: [{ shape: [2] }],
      attrs: { pads: [[1, 1]], mode: 'constant', value: '-Infinity' },
      note: 'minus infinity',
      skipGradient: 'infinite',
    },
  ],
  errors: [
    {
      inputs: [{ shape: [3], dtype: 'float32' }],
      attrs: { pads: [[3, 0]], mode: 'reflect', value: 0 },
      message: /\[3, 0\] at axis 0 of x \[3\] must lie in \[0, 2\] \(reflect\)/,
    },
    {
      inputs: [{ shape: [3, 3], dtype: 'float32' }],
      attrs: { pads: [[1, 1]], mode: 'constant', value: 0 },
      message: /one \[before, after\] an axis/,
    },
  ],
});

/** What lies inside of the padding. */
function crop(x: Tensor, pads: readonly Border[], shape: readonly number[]): Tensor {
  return slice(x, {
    starts: pads.map(([before]) => before),
    ends: pads.map(([before], axis) => before + at(shape, axis)),
  });
}

function part(x: Tensor, axis: number, start: number, length: number): Tensor {
  return slice(x, { starts: [start], ends: [start + length], axes: [axis] });
}

function reflect(x: Tensor, axis: number, [before, after]: Border): Tensor {
  if (before + after === 0) return x;
  const left = flip(part(x, axis, 1, before), [axis]);
  const right = flip(part(x, axis, x.dim(axis) - 1 - after, after), [axis]);
  return concat([left, x, right], axis);
}

function surround(x: Tensor, axis: number, [before, after]: Border, value: number): Tensor {
  const border = (extent: number) => full(x.shape.with(axis, extent), value, x.dtype);
  return before + after === 0 ? x : concat([border(before), x, border(after)], axis);
}

/** Adds the gradient of the reflected borders onto the elements that they came from. */
function foldReflection(dy: Tensor, axis: number, [before, after]: Border, extent: number): Tensor {
  const zerosAround = (x: Tensor, start: number) =>
    pad(x, { pads: x.shape.map((length, i) => (i === axis ? [start, extent - start - length] : [0, 0])) });
  let total = part(dy, axis, before, extent);
  if (before > 0) total = add(total, zerosAround(flip(part(dy, axis, 0, before), [axis]), 1));
  if (after > 0)
    total = add(total, zerosAround(flip(part(dy, axis, before + extent, after), [axis]), extent - 1 - after));
  return total;
}

/** `x` without what negative borders take away. */
function cut(x: Tensor, borders: readonly Border[]): Tensor {
  const ends = borders.map(
    ([before, after], axis) => x.dim(axis) + Math.min(0, after) - Math.max(0, -before),
  );
  const short = ends.findIndex((extent) => extent < 0);
  if (short >= 0) {
    throw new ShapeError(
      `pad: [${borders[short]?.join(', ')}] takes more from axis ${short} of x ${formatShape(x.shape)} than there is`,
    );
  }
  return slice(x, {
    starts: borders.map(([before]) => Math.max(0, -before)),
    ends: borders.map(([, after], axis) => x.dim(axis) + Math.min(0, after)),
  });
}

/** `x` with a border: `pads` holds [before, after] for each axis; negative ones take away. `reflect` mirrors without repeating the edge, and only adds. */
export function pad(
  x: Tensor,
  {
    pads,
    mode = 'constant',
    value = 0,
  }: { pads: readonly (readonly number[])[]; mode?: 'constant' | 'reflect'; value?: number },
): Tensor {
  if (pads.length === x.rank && pads.every(([before, after]) => before === 0 && after === 0)) return x;
  const borders = pads.map(([before = 0, after = 0]) => [before, after] as const);
  const crops =
    mode === 'constant' && pads.length === x.rank && borders.some((border) => Math.min(...border) < 0);
  const kept = crops ? cut(x, borders) : x;
  const grown = crops ? borders.map((border) => border.map((count) => Math.max(0, count))) : borders;
  return padOp.one([kept], {
    pads: grown.map(([before = 0, after = 0]) => [before, after] as const),
    mode,
    value: toJsonNumber(value),
  });
}
