/** Grid sampling in ops of core: the same taps as `gridTaps.ts`, as tensors. */

import {
  abs,
  add,
  at,
  cast,
  div,
  equal,
  floor,
  full,
  greaterEqual,
  lessEqual,
  mul,
  reshape,
  round,
  slice,
  sub,
  type Tensor,
  where,
} from '@omma/core';
import type { GridAttributes } from './gridTaps.ts';
import { insideTap, sampleTaps, type TensorTap } from './sampling.ts';

export function lowerGridSample(inputs: readonly Tensor[], attrs: GridAttributes): Tensor {
  const [x, grid] = [at(inputs, 0), at(inputs, 1)];
  const [n, height, width] = [x.dim(0), x.dim(2), x.dim(3)];
  const [oh, ow] = [grid.dim(1), grid.dim(2)];
  const places = reshape(cast(grid, 'float32'), [n, oh * ow, 2]);
  const axis = (i: number) => reshape(slice(places, { starts: [i], ends: [i + 1], axes: [2] }), [n, oh * ow]);
  const rows = axisTaps(axis(1), height, attrs);
  const columns = axisTaps(axis(0), width, attrs);
  const y = sampleTaps(cast(x, 'float32'), rows, columns);
  return cast(reshape(y, [n, x.dim(1), oh, ow]), x.dtype);
}

function axisTaps(coordinate: Tensor, extent: number, attrs: GridAttributes): TensorTap[] {
  const raw = attrs.alignCorners
    ? mul(add(coordinate, 1), (extent - 1) / 2)
    : div(sub(mul(add(coordinate, 1), extent), 1), 2);
  if (attrs.mode === 'bicubic') return cubicTaps(raw, extent, attrs);
  const position = bounded(raw, extent, attrs);
  if (attrs.mode === 'nearest') return [insideTap(round(position), full(position.shape, 1), extent)];
  const low = floor(position);
  const rest = sub(position, low);
  return [insideTap(low, sub(1, rest), extent), insideTap(add(low, 1), rest, extent)];
}

/** Brings a position into the image as the padding mode says. */
function bounded(position: Tensor, extent: number, { paddingMode, alignCorners }: GridAttributes): Tensor {
  if (paddingMode === 'zeros') return position;
  if (paddingMode === 'border') return clipped(position, extent);
  return clipped(
    alignCorners ? reflected(position, 0, extent - 1) : reflected(position, -0.5, extent - 0.5),
    extent,
  );
}

/** Unlike `clamp`, without a derivative at the border itself. */
function clipped(position: Tensor, extent: number): Tensor {
  const above = where(greaterEqual(position, extent - 1), full(position.shape, extent - 1), position);
  return where(lessEqual(position, 0), full(position.shape, 0), above);
}

function reflected(position: Tensor, low: number, high: number): Tensor {
  if (low === high) return full(position.shape, 0);
  const distance = abs(sub(position, low));
  const flips = floor(div(distance, high - low));
  const rest = sub(distance, mul(flips, high - low));
  const even = equal(flips, mul(floor(div(flips, 2)), 2));
  return where(even, add(rest, low), sub(high, rest));
}

/** Keys' kernel with a = -0.75; each tap's index is brought into the image on its own. */
function cubicTaps(position: Tensor, extent: number, attrs: GridAttributes): TensorTap[] {
  const low = floor(position);
  return [-1, 0, 1, 2].map((offset) => {
    const pixel = add(low, offset);
    const d = abs(sub(position, pixel));
    const weight = offset === 0 || offset === 1 ? innerCubic(d) : outerCubic(d);
    return insideTap(bounded(pixel, extent, attrs), weight, extent);
  });
}

function innerCubic(d: Tensor): Tensor {
  return add(mul(mul(sub(mul(d, 1.25), 2.25), d), d), 1);
}

function outerCubic(d: Tensor): Tensor {
  return mul(sub(mul(add(mul(sub(d, 5), d), 8), d), 4), -0.75);
}
