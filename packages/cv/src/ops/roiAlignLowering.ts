/**
 * RoIAlign as matrix products. The bilinear samples of a region form a grid, so their mean in cell (i, j) is
 * sum over h and w of rows[i, h] * x[h, w] * columns[j, w]: two matrices a region. The gradient has the same two, transposed. No
 * gather, no scatter: what AI Core and every ONNX runtime are fast at.
 *
 * A matrix entry is the sum of the weights that the samples of a cell give a pixel. Samples are evenly spaced, so how many lie on either
 * side of the pixel and where their middle is can be computed without listing them.
 */

import {
  add,
  cast,
  ceil,
  clamp,
  div,
  equal,
  floor,
  full,
  greater,
  iota,
  matmul,
  maximum,
  minimum,
  mul,
  type Pair,
  reshape,
  type Shape,
  slice,
  sub,
  type Tensor,
  transpose,
  where,
} from '@omma/core';

export type RoiAlignAttributes = {
  readonly output: Pair;
  readonly scale: number;
  readonly sampling: number;
  readonly aligned: boolean;
};

/** x [N, C, H, W], rois [K, 5] -> [K, C, ...output]. */
export function lowerRoiAlign(x: Tensor, rois: Tensor, attrs: RoiAlignAttributes): Tensor {
  const [n, c, h, w] = [x.dim(0), x.dim(1), x.dim(2), x.dim(3)];
  const [oh, ow] = attrs.output;
  const { rows, columns } = matrices(rois, [n, h, w], attrs);
  const lines = reshape(transpose(cast(x, 'float32'), [0, 2, 1, 3]), [n * h, c * w]);
  const pooledRows = reshape(matmul(rows, lines), [rois.dim(0), oh * c, w]);
  const pooled = matmul(pooledRows, columns, { transposeB: true });
  return cast(transpose(reshape(pooled, [rois.dim(0), oh, c, ow]), [0, 2, 1, 3]), x.dtype);
}

/** dy [K, C, ...output], rois [K, 5] -> dx of shape `inputShape`. */
export function lowerRoiAlignGrad(
  dy: Tensor,
  rois: Tensor,
  inputShape: Shape,
  attrs: RoiAlignAttributes,
): Tensor {
  const [n = 0, c = 0, h = 0, w = 0] = inputShape;
  const [oh, ow] = attrs.output;
  const { rows, columns } = matrices(rois, [n, h, w], attrs);
  const cells = reshape(transpose(cast(dy, 'float32'), [0, 2, 1, 3]), [rois.dim(0), oh * c, ow]);
  const spread = reshape(matmul(cells, columns), [rois.dim(0) * oh, c * w]);
  const lines = matmul(rows, spread, { transposeA: true });
  return cast(transpose(reshape(lines, [n, h, c, w]), [0, 2, 1, 3]), dy.dtype);
}

/** `rows` [K * oh, N * H], zero but for the region's own image, and `columns` [K, ow, W]. */
function matrices(
  rois: Tensor,
  [n, h, w]: readonly [number, number, number],
  attrs: RoiAlignAttributes,
): { rows: Tensor; columns: Tensor } {
  const wide = cast(rois, 'float32');
  const count = rois.dim(0);
  const field = (i: number) => slice(wide, { starts: [i], ends: [i + 1], axes: [1] });
  const own = cast(equal(field(0), iota([1, n], 1, 'float32')), 'float32');
  const [oh, ow] = attrs.output;
  const each = reshape(axisMatrix(field(2), field(4), oh, h, attrs), [count, oh, 1, h]);
  return {
    rows: reshape(mul(each, reshape(own, [count, 1, n, 1])), [count * oh, n * h]),
    columns: axisMatrix(field(1), field(3), ow, w, attrs),
  };
}

/** Weights of pixels in cells along one axis: [K, cells, extent] from regions `start` to `end` [K, 1]. */
function axisMatrix(
  start: Tensor,
  end: Tensor,
  cells: number,
  extent: number,
  { scale, sampling, aligned }: RoiAlignAttributes,
): Tensor {
  const count = start.dim(0);
  const first = sub(mul(start, scale), aligned ? 0.5 : 0);
  const span = sub(mul(end, scale), mul(start, scale));
  const length = aligned ? span : maximum(span, 1);
  const cell = div(length, cells);
  const samples = sampling > 0 ? full([count, 1], sampling) : clamp(ceil(cell), { min: 0 });
  const signed = div(cell, maximum(samples, 1));
  const begin = add(first, add(mul(iota([1, cells], 1, 'float32'), cell), mul(signed, 0.5)));
  // A region whose end lies before its start is sampled backwards: begin at the other end. A distance of 0 would divide by 0.
  const last = add(begin, mul(sub(samples, 1), signed));
  const lowest = reshape(minimum(begin, last), [count, cells, 1]);
  const distance = reshape(maximum(maximum(signed, mul(signed, -1)), 1e-6), [count, 1, 1]);
  const most = reshape(samples, [count, 1, 1]);

  const within = (number: Tensor) => minimum(maximum(number, 0), most);
  const steps = (position: Tensor) => div(sub(position, lowest), distance);
  const upTo = (position: Tensor) => within(add(floor(steps(position)), 1));
  const below = (position: Tensor) => within(ceil(steps(position)));
  const pixel = iota([1, 1, extent], 2, 'float32');
  const [before, at, after] = [upTo(sub(pixel, 1)), upTo(pixel), upTo(add(pixel, 1))];
  const middle = (from: Tensor, to: Tensor) => add(lowest, mul(distance, mul(sub(add(from, to), 1), 0.5)));
  const left = sub(at, before);
  const right = sub(after, at);
  // Up to a pixel beyond the border, the border pixel counts whole.
  const leftWeight = where(
    equal(pixel, 0),
    sub(at, below(sub(pixel, 1))),
    mul(left, sub(middle(before, at), sub(pixel, 1))),
  );
  const rightWeight = where(
    equal(pixel, extent - 1),
    right,
    mul(right, sub(add(pixel, 1), middle(at, after))),
  );
  const share = where(greater(most, 0), div(1, maximum(most, 1)), full(most.shape, 0));
  return mul(add(leftWeight, rightWeight), share);
}
