/**
 * Convolution in simpler ops: windows as columns (unfold), one matmul a group, columns back to pixels (fold).
 *
 * What a device without convolution runs, and the second opinion that the conformance suite holds every kernel against.
 */

import { at } from '../../op.ts';
import type { Shape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { add, cast, reshape, sum } from '../index.ts';
import { fold, unfold } from '../window/unfold.ts';
import type { ConvolutionAttributes } from './convolution.ts';
import { matmul } from './matmul.ts';

type Extents = {
  readonly groups: number;
  readonly perGroup: number;
  readonly depth: number;
  readonly kernel: readonly number[];
};

function extents(weight: Shape, groups: number): Extents {
  const [out, inner, kh, kw] = [at(weight, 0), at(weight, 1), at(weight, 2), at(weight, 3)];
  return { groups, perGroup: out / groups, depth: inner * kh * kw, kernel: [kh, kw] };
}

/** Windows of x as [N, groups, depth, L]. */
function columns(x: Tensor, { groups, depth, kernel }: Extents, attrs: ConvolutionAttributes): Tensor {
  const { stride, padding, dilation } = attrs;
  return reshape(unfold(x, { kernel, stride, padding, dilation }), [x.dim(0), groups, depth, -1]);
}

export function lowerConvolution(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  attrs: ConvolutionAttributes,
): Tensor {
  const size = extents(weight.shape, attrs.groups);
  const filters = reshape(weight, [size.groups, size.perGroup, size.depth]);
  const y = matmul(filters, columns(x, size, attrs));
  const shaped = reshape(y, [x.dim(0), weight.dim(0), ...outputGrid(x.shape, size.kernel, attrs)]);
  return bias === null ? shaped : add(shaped, reshape(cast(bias, x.dtype), [1, -1, 1, 1]));
}

export function lowerInputGrad(
  dy: Tensor,
  weight: Tensor,
  inputShape: Shape,
  attrs: ConvolutionAttributes,
): Tensor {
  const size = extents(weight.shape, attrs.groups);
  const { stride, padding, dilation } = attrs;
  const filters = reshape(weight, [size.groups, size.perGroup, size.depth]);
  const taps = matmul(filters, reshape(dy, [dy.dim(0), size.groups, size.perGroup, -1]), {
    transposeA: true,
  });
  const folded = reshape(taps, [dy.dim(0), size.groups * size.depth, -1]);
  return fold(folded, { outputSize: inputShape.slice(2), kernel: size.kernel, stride, padding, dilation });
}

export function lowerWeightGrad(
  x: Tensor,
  dy: Tensor,
  weightShape: Shape,
  attrs: ConvolutionAttributes,
): Tensor {
  const size = extents(weightShape, attrs.groups);
  const rows = reshape(dy, [dy.dim(0), size.groups, size.perGroup, -1]);
  const each = matmul(rows, columns(x, size, attrs), { transposeB: true });
  return reshape(sum(cast(each, 'float32'), { axes: [0] }), weightShape);
}

function outputGrid(
  x: Shape,
  kernel: readonly number[],
  { stride, padding, dilation }: ConvolutionAttributes,
): number[] {
  return [0, 1].map((axis) => {
    const padded = at(x, 2 + axis) + at(padding, axis) + at(padding, 2 + axis);
    return Math.floor((padded - at(dilation, axis) * (at(kernel, axis) - 1) - 1) / at(stride, axis)) + 1;
  });
}
