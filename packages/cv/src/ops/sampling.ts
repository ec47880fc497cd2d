/**
 * Sampling images at places that are themselves tensors, in ops of core: what grid sampling, deformable convolution and their
 * gradients are lowered to on a device without kernels for them.
 *
 * Along each axis a place reads some pixels with some weights; a sample is the sum over all pairs of a row and a column.
 */

import {
  add,
  at,
  cast,
  clamp,
  expand,
  floor,
  gather,
  gradients,
  greater,
  greaterEqual,
  less,
  logicalAnd,
  mul,
  reshape,
  stopGradient,
  sub,
  type Tensor,
  where,
} from '@omma/core';

/** One pixel that every place reads along an axis. */
export interface TensorTap {
  /** Pixels as whole float32 numbers; may lie outside of the image, where `weight` is 0. */
  readonly index: Tensor;
  readonly weight: Tensor;
}

/** A tap that counts only inside of [0, extent). */
export function insideTap(index: Tensor, weight: Tensor, extent: number): TensorTap {
  const inside = logicalAnd(greaterEqual(index, 0), less(index, extent));
  return { index, weight: where(inside, weight, 0) };
}

/** The two pixels that `position` lies between. Nothing outside of (-1, extent), not even a derivative. */
export function linearTaps(position: Tensor, extent: number): TensorTap[] {
  const low = floor(position);
  const rest = sub(position, low);
  const near = logicalAnd(greater(position, -1), less(position, extent));
  return [
    insideTap(low, where(near, sub(1, rest), 0), extent),
    insideTap(add(low, 1), where(near, rest, 0), extent),
  ];
}

/** Sums over all pairs of taps. images [B, C, H, W]; the taps' tensors [B, L]; the result is [B, C, L]. */
export function sampleTaps(
  images: Tensor,
  rows: readonly TensorTap[],
  columns: readonly TensorTap[],
): Tensor {
  const [batch, channels, height, width] = [images.dim(0), images.dim(1), images.dim(2), images.dim(3)];
  const flat = reshape(images, [batch, channels, height * width]);
  const places = at(rows, 0).index.dim(1);
  const pixel = ({ index }: TensorTap, extent: number) =>
    cast(clamp(index, { min: 0, max: extent - 1 }), 'int32');
  const samples = rows.flatMap((row) =>
    columns.map((column) => {
      const flatIndex = add(mul(pixel(row, height), width), pixel(column, width));
      const indices = expand(reshape(flatIndex, [batch, 1, places]), [batch, channels, places]);
      const weight = reshape(mul(row.weight, column.weight), [batch, 1, places]);
      return mul(gather(flat, indices, 2), weight);
    }),
  );
  return samples.reduce((total, sample) => add(total, sample));
}

/**
 * The lowering of an op's gradient, as the derivative of the op's own lowering `forward`: gradients at `inputs`, given `dy` at its
 * result. The inputs count as constants of their own: one may have been computed from another.
 */
export function lowerDerivative(
  forward: (inputs: readonly Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  dy: Tensor,
): Tensor[] {
  const own = inputs.map((input) => stopGradient(input));
  return gradients(forward(own), own, { cotangent: dy });
}
