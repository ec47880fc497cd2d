/**
 * Deformable convolution, versions 1 and 2 (Dai et al. 2017, Zhu et al. 2019), as torchvision: every kernel tap reads the image at a
 * learnt offset, version 2 also weighs it by a learnt mask.
 *
 * Taken apart into `deformUnfold` (taps as columns) and a matmul, so that a device needs one special kernel and its gradient.
 */

import {
  add,
  at,
  type ConvolutionOptions,
  defineOp,
  floatOperand,
  formatShape,
  matmul,
  type Pads,
  type Pair,
  pads,
  pair,
  reshape,
  ShapeError,
  sameDType,
  sameShape,
  type Tensor,
  type TensorType,
  windowGrid,
} from '@omma/core';
import { deformUnfoldOp } from './deformUnfold.ts';

type Attributes = {
  readonly stride: Pair;
  readonly padding: Pads;
  readonly dilation: Pair;
  readonly groups: number;
  readonly offsetGroups: number;
  readonly hasBias: boolean;
  readonly hasMask: boolean;
};

/** Names of the inputs that are there, in order. */
function operandNames({ hasBias, hasMask }: Attributes): string[] {
  return ['x', 'offset', 'weight', ...(hasBias ? ['bias'] : []), ...(hasMask ? ['mask'] : [])];
}

/** Inputs by name. */
function byName<T>(
  inputs: readonly T[],
  attrs: Attributes,
): { x: T; offset: T; weight: T; bias: T | undefined; mask: T | undefined } {
  const mask = attrs.hasMask ? inputs[attrs.hasBias ? 4 : 3] : undefined;
  return {
    x: at(inputs, 0),
    offset: at(inputs, 1),
    weight: at(inputs, 2),
    bias: attrs.hasBias ? inputs[3] : undefined,
    mask,
  };
}

function inferShape(inputs: readonly TensorType[], attrs: Attributes): TensorType {
  operandNames(attrs).forEach((name, i) => {
    floatOperand('deformConv2d', inputs, i, name, name === 'bias' ? 1 : 4);
  });
  const { x, offset, weight, bias, mask } = byName(inputs, attrs);
  const [channels, out, inner] = [at(x.shape, 1), at(weight.shape, 0), at(weight.shape, 1)];
  const described = `x ${formatShape(x.shape)} (NCHW), weight ${formatShape(weight.shape)} (OIHW), groups ${attrs.groups}`;
  if (channels !== inner * attrs.groups) {
    throw new ShapeError(
      `deformConv2d: weight expects ${inner * attrs.groups} input channels but x has ${channels}: ${described}`,
    );
  }
  if (out % attrs.groups !== 0)
    throw new ShapeError(`deformConv2d: groups must divide the ${out} output channels: ${described}`);
  if (bias !== undefined && !sameShape(bias.shape, [out])) {
    throw new ShapeError(`deformConv2d: bias must have shape [${out}] but has ${formatShape(bias.shape)}`);
  }
  const kernel: Pair = [at(weight.shape, 2), at(weight.shape, 3)];
  const taps = mask === undefined ? [x, offset] : [x, offset, mask];
  deformUnfoldOp.definition.infer(taps, { ...geometryOf(attrs), kernel });
  const grid = windowGrid('deformConv2d', at(x.shape, 2), at(x.shape, 3), { ...attrs, kernel });
  return { shape: [at(x.shape, 0), out, ...grid], dtype: sameDType('deformConv2d', { x, weight }) };
}

function geometryOf({ stride, padding, dilation, offsetGroups }: Attributes) {
  return { stride, padding, dilation, offsetGroups };
}

export const deformConv2dOp = defineOp<Attributes>({
  name: 'deformConv2d',
  kind: 'composite',
  infer: inferShape,
  grad: 'lower',
  lower: (inputs, attrs) => {
    const { x, offset, weight, bias, mask } = byName(inputs, attrs);
    const kernel: Pair = [weight.dim(2), weight.dim(3)];
    const taps = mask === undefined ? [x, offset] : [x, offset, mask];
    const columns = deformUnfoldOp.one(taps, { ...geometryOf(attrs), kernel });
    const { groups } = attrs;
    const depth = weight.dim(1) * kernel[0] * kernel[1];
    const filters = reshape(weight, [groups, weight.dim(0) / groups, depth]);
    const y = matmul(filters, reshape(columns, [x.dim(0), groups, depth, -1]));
    const shaped = reshape(y, [x.dim(0), weight.dim(0), offset.dim(2), offset.dim(3)]);
    return bias === undefined ? shaped : add(shaped, reshape(bias, [1, -1, 1, 1]));
  },
  amp: 'f32',
  samples: [
    {
      inputs: [
        { shape: [2, 4, 5, 6] },
        { shape: [2, 18, 5, 6], low: -1.4, high: 1.4 },
        { shape: [6, 4, 3, 3] },
        { shape: [6] },
      ],
      attrs: {
        stride: [1, 1],
        padding: [1, 1, 1, 1],
        dilation: [1, 1],
        groups: 1,
        offsetGroups: 1,
        hasBias: true,
        hasMask: false,
      },
    },
    {
      inputs: [
        { shape: [1, 4, 6, 7] },
        { shape: [1, 24, 3, 4], low: -1.4, high: 1.4 },
        { shape: [6, 2, 3, 2] },
        { shape: [1, 12, 3, 4], low: 0, high: 1 },
      ],
      attrs: {
        stride: [2, 2],
        padding: [1, 1, 1, 1],
        dilation: [1, 1],
        groups: 2,
        offsetGroups: 2,
        hasBias: false,
        hasMask: true,
      },
      note: 'groups, mask, no bias',
    },
  ],
  errors: [
    {
      inputs: [
        [2, 4, 5, 6],
        [2, 16, 5, 6],
        [6, 4, 3, 3],
      ].map((shape) => ({ shape, dtype: 'float32' as const })),
      attrs: {
        stride: [1, 1],
        padding: [1, 1, 1, 1],
        dilation: [1, 1],
        groups: 1,
        offsetGroups: 1,
        hasBias: false,
        hasMask: false,
      },
      message: /deformUnfold: offset must have shape \[2, 18, 5, 6\].* but has \[2, 16, 5, 6\]/,
    },
  ],
});

export interface DeformConvolutionOptions extends ConvolutionOptions {
  /** Groups of input channels that share an offset field; 1 unless given. */
  readonly offsetGroups?: number;
}

/**
 * Deformable convolution, as `torchvision.ops.deform_conv2d`.
 *
 * x [N, C, H, W]; offset [N, 2 * offsetGroups * kh * kw, H', W'], (dy, dx) interleaved; weight [O, C / groups, kh, kw]; bias [O] or
 * null; mask [N, offsetGroups * kh * kw, H', W'] or null. The result is [N, O, H', W'].
 */
export function deformConv2d(
  x: Tensor,
  offset: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  mask: Tensor | null = null,
  options: DeformConvolutionOptions = {},
): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1, offsetGroups = 1 } = options;
  const inputs = [x, offset, weight, ...(bias === null ? [] : [bias]), ...(mask === null ? [] : [mask])];
  return deformConv2dOp.one(inputs, {
    stride: pair('deformConv2d', 'stride', stride, 1),
    padding: pads('deformConv2d', padding),
    dilation: pair('deformConv2d', 'dilation', dilation, 1),
    groups,
    offsetGroups,
    hasBias: bias !== null,
    hasMask: mask !== null,
  });
}
