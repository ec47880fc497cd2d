/** The taps of a deformable convolution in ops of core: positions from the offsets, bilinear samples, times the mask. */

import {
  add,
  at,
  cast,
  iota,
  mul,
  reshape,
  slice,
  type Tensor,
  tensor,
  type WindowGeometry,
} from '@omma/core';
import { linearTaps, sampleTaps } from './sampling.ts';

export type DeformAttributes = WindowGeometry & { readonly offsetGroups: number };

/** (x, offset, mask?) -> columns [N, C * kh * kw, L]. */
export function lowerDeformUnfold(inputs: readonly Tensor[], attrs: DeformAttributes): Tensor {
  const [x, offset, mask] = [at(inputs, 0), cast(at(inputs, 1), 'float32'), inputs[2]];
  const [n, c, h, w] = [x.dim(0), x.dim(1), x.dim(2), x.dim(3)];
  const [oh, ow] = [offset.dim(2), offset.dim(3)];
  const { offsetGroups: groups, kernel } = attrs;
  const taps = kernel[0] * kernel[1];
  const fields = reshape(offset, [n * groups, taps, 2, oh * ow]);
  const positions = (axis: 0 | 1) => {
    const field = slice(fields, { starts: [axis], ends: [axis + 1], axes: [2] });
    const still = reshape(undeformed(axis, attrs, [oh, ow]), [1, taps, 1, oh * ow]);
    return reshape(add(field, still), [n * groups, taps * oh * ow]);
  };
  const images = reshape(cast(x, 'float32'), [n * groups, c / groups, h, w]);
  const samples = sampleTaps(images, linearTaps(positions(0), h), linearTaps(positions(1), w));
  const weighed =
    mask === undefined
      ? samples
      : mul(samples, reshape(cast(mask, 'float32'), [n * groups, 1, taps * oh * ow]));
  return cast(reshape(weighed, [n, c * taps, oh * ow]), x.dtype);
}

/** Where the taps lie without offsets along one axis: [kh * kw, H', W']. */
function undeformed(
  axis: 0 | 1,
  { kernel, stride, padding, dilation }: DeformAttributes,
  [oh, ow]: readonly [number, number],
): Tensor {
  const first = Array.from({ length: kernel[0] * kernel[1] }, (_, tap) => {
    const index = axis === 0 ? Math.floor(tap / kernel[1]) : tap % kernel[1];
    return index * dilation[axis] - padding[axis];
  });
  const line = axis === 0 ? iota([1, oh, ow], 1, 'float32') : iota([1, oh, ow], 2, 'float32');
  return add(mul(line, stride[axis]), tensor(first, [first.length, 1, 1]));
}
