/**
 * RoIPool in ops of core: for each cell of the grid, the place of the largest pixel among those of the region's image that lie in the
 * cell, and then one gather. A cell a step, so that no more than one copy of the regions' images is needed at a time.
 */

import {
  abs,
  add,
  argMax,
  cast,
  ceil,
  concat,
  div,
  expand,
  floor,
  gather,
  greaterEqual,
  indexSelect,
  iota,
  less,
  logicalAnd,
  maximum,
  minimum,
  mul,
  type Pair,
  reshape,
  sign,
  slice,
  sub,
  type Tensor,
  where,
} from '@omma/core';

export type RoiPoolAttributes = { readonly output: Pair; readonly scale: number };

/** x [N, C, H, W], rois [K, 5] -> [K, C, ...output]. */
export function lowerRoiPool(x: Tensor, rois: Tensor, { output, scale }: RoiPoolAttributes): Tensor {
  const [c, h, w] = [x.dim(1), x.dim(2), x.dim(3)];
  const count = rois.dim(0);
  const [oh, ow] = output;
  const field = (i: number) => cast(slice(rois, { starts: [i], ends: [i + 1], axes: [1] }), 'float32');
  const image = reshape(cast(field(0), 'int32'), [count]);
  const images = reshape(indexSelect(x, image, 0), [count, c, h * w]);
  const rows = cellRanges(field(2), field(4), oh, h, scale);
  const columns = cellRanges(field(1), field(3), ow, w, scale);
  const [below, beside] = [iota([1, h, 1], 1, 'float32'), iota([1, 1, w], 2, 'float32')];
  const places: Tensor[] = [];
  const filled: Tensor[] = [];
  for (let cell = 0; cell < oh * ow; cell++) {
    const [row, column] = [rangeAt(rows, Math.floor(cell / ow)), rangeAt(columns, cell % ow)];
    const inside = logicalAnd(between(below, row), between(beside, column));
    const candidates = where(reshape(inside, [count, 1, h * w]), images, Number.NEGATIVE_INFINITY);
    places.push(argMax(candidates, { axis: 2, keepDims: true }));
    filled.push(logicalAnd(less(row.from, row.to), less(column.from, column.to)));
  }
  const largest = gather(images, concat(places, 2), 2);
  const some = expand(concat(filled, 2), [count, c, oh * ow]);
  return reshape(where(some, largest, 0), [count, c, oh, ow]);
}

interface Range {
  readonly from: Tensor;
  readonly to: Tensor;
}

/** Pixels [from, to) of each cell along one axis, as whole float32 numbers: [K, cells] each. */
function cellRanges(start: Tensor, end: Tensor, cells: number, extent: number, scale: number): Range {
  const first = roundAway(mul(start, scale));
  const length = maximum(add(sub(roundAway(mul(end, scale)), first), 1), 1);
  const cell = div(length, cells);
  const index = iota([1, cells], 1, 'float32');
  const inside = (position: Tensor) => minimum(maximum(add(position, first), 0), extent);
  return { from: inside(floor(mul(index, cell))), to: inside(ceil(mul(add(index, 1), cell))) };
}

/** The range of one cell, [K, 1, 1]. */
function rangeAt({ from, to }: Range, cell: number): Range {
  const pick = (bound: Tensor) =>
    reshape(slice(bound, { starts: [cell], ends: [cell + 1], axes: [1] }), [-1, 1, 1]);
  return { from: pick(from), to: pick(to) };
}

function between(pixel: Tensor, { from, to }: Range): Tensor {
  return logicalAnd(greaterEqual(pixel, from), less(pixel, to));
}

/** C's rounding: half away from zero. */
function roundAway(value: Tensor): Tensor {
  return mul(sign(value), floor(add(abs(value), 0.5)));
}
