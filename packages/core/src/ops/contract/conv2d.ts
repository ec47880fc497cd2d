/**
 * conv2d and its two gradients. The three are closed under differentiation: the gradients of each are again among them.
 *
 * First-class ops with a lowering (unfold, matmul, fold), because decomposing a convolution costs a device tens of times what its
 * own kernel does. Transposed convolution is `conv2dInputGrad` under another name (convTranspose2d.ts).
 */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type Op } from '../../op.ts';
import { formatShape, type Shape, sameShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { cast, sum } from '../index.ts';
import { floatOperand, sameDType } from '../operands.ts';
import {
  type ConvolutionAttributes,
  type ConvolutionOptions,
  convolutionAttributes,
  convolvedShape,
  groupPatches,
} from './convolution.ts';
import { lowerConvolution, lowerInputGrad, lowerWeightGrad } from './convolutionLowering.ts';
import {
  addRowsToImage,
  channelsLast,
  copied,
  imageToRows,
  multiplyRows,
  putChannels,
  transposed,
} from './dense.ts';

export const conv2dOp: Op<ConvolutionAttributes> = defineOp({
  name: 'conv2d',
  kind: 'contract',
  infer: (inputs, attrs) => {
    const x = floatOperand('conv2d', inputs, 0, 'x', 4, 'NCHW');
    const weight = floatOperand('conv2d', inputs, 1, 'weight', 4, 'OIHW');
    const dtype = sameDType('conv2d', { x, weight });
    const shape = convolvedShape('conv2d', x.shape, weight.shape, attrs);
    if (inputs.length > 2) checkBias('conv2d', inputs, at(shape, 1));
    return { shape, dtype };
  },
  grad: ({ inputs, attrs, cotangent, needs }) => {
    const [x, weight] = [at(inputs, 0), at(inputs, 1)];
    const dy = cotangent();
    return inputs.map((_, i) => {
      if (!needs(i)) return null;
      if (i === 0) return conv2dInputGradOp.one([dy, weight], { ...attrs, inputShape: x.shape });
      if (i === 1) return conv2dWeightGradOp.one([x, dy], { ...attrs, weightShape: weight.shape });
      return sum(dy, { axes: [0, 2, 3] });
    });
  },
  lower: (inputs, attrs) => lowerConvolution(at(inputs, 0), at(inputs, 1), inputs[2] ?? null, attrs),
  amp: 'low',
  reference: (inputs, attrs, outputs) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), inputs[2]];
    const { shape, dtype } = at(outputs, 0);
    const y = numericArray(dtype, sizeOf(shape));
    const [batch, channels, area] = [at(shape, 0), at(shape, 1), at(shape, 2) * at(shape, 3)];
    const count = channels / attrs.groups;
    const depth = sizeOf(weight.shape.slice(1));
    for (let g = 0; g < attrs.groups; g++) {
      const rows = imageToRows(x.data, groupPatches(x.shape, weight.shape, shape, attrs, g));
      const filters = copied(weight.data, g * count * depth, count * depth);
      putChannels(
        multiplyRows(rows, filters, batch * area, count, depth),
        y,
        batch,
        channels,
        area,
        g * count,
        count,
      );
    }
    if (bias !== undefined) {
      for (let i = 0; i < y.length; i++)
        y[i] = (y[i] ?? 0) + (bias.data[Math.floor(i / area) % channels] ?? 0);
    }
    return y;
  },
  samples: [
    {
      inputs: [{ shape: [2, 3, 6, 7] }, { shape: [4, 3, 3, 3] }, { shape: [4] }],
      attrs: geometry(1, 1, 1, 1),
    },
    {
      inputs: [{ shape: [1, 4, 7, 6] }, { shape: [6, 2, 3, 2] }],
      attrs: geometry(2, 1, 1, 2),
      note: 'groups, no bias',
    },
    {
      inputs: [{ shape: [2, 4, 6, 6] }, { shape: [4, 1, 3, 3] }, { shape: [4] }],
      attrs: geometry(1, 2, 2, 4),
      note: 'depthwise, dilated',
    },
    {
      inputs: [{ shape: [1, 2, 5, 6] }, { shape: [3, 2, 2, 3] }],
      attrs: { stride: [2, 1], padding: [0, 1, 1, 2], dilation: [1, 1], groups: 1 },
      note: 'asymmetric padding',
    },
    {
      inputs: [{ shape: [2, 5, 4, 4] }, { shape: [3, 5, 1, 1] }],
      attrs: geometry(2, 0, 1, 1),
      note: '1x1, stride 2',
    },
  ],
  errors: [
    {
      inputs: [float([8, 32, 56, 56]), float([128, 64, 3, 3])],
      attrs: geometry(1, 1, 1, 1),
      message:
        /conv2d: weight expects 64 input channels but x has 32: x \[8, 32, 56, 56\] \(NCHW\), weight \[128, 64, 3, 3\] \(OIHW\), groups 1/,
    },
    {
      inputs: [float([1, 4, 5, 5]), float([3, 2, 3, 3])],
      attrs: geometry(1, 1, 1, 2),
      message: /conv2d: groups must divide the 3 output channels/,
    },
    {
      inputs: [float([1, 4, 2, 2]), float([3, 4, 3, 3])],
      attrs: geometry(1, 0, 1, 1),
      message: /conv2d: the kernel spans 3 pixels but the padded height is 2/,
    },
    {
      inputs: [float([4, 5, 5]), float([3, 4, 3, 3])],
      attrs: geometry(1, 0, 1, 1),
      message: /conv2d: x must have rank 4 \(NCHW\)/,
    },
    {
      inputs: [float([1, 4, 5, 5]), float([3, 4, 3, 3]), float([4])],
      attrs: geometry(1, 0, 1, 1),
      message: /conv2d: bias must have shape \[3\]/,
    },
  ],
});

export const conv2dInputGradOp: Op<ConvolutionAttributes & { readonly inputShape: Shape }> = defineOp({
  name: 'conv2dInputGrad',
  kind: 'contract',
  infer: (inputs, attrs) => {
    const dy = floatOperand('conv2dInputGrad', inputs, 0, 'dy', 4, 'NCHW');
    const weight = floatOperand('conv2dInputGrad', inputs, 1, 'weight', 4, 'OIHW');
    const dtype = sameDType('conv2dInputGrad', { dy, weight });
    checkOutput(
      'conv2dInputGrad',
      dy.shape,
      convolvedShape('conv2dInputGrad', attrs.inputShape, weight.shape, attrs),
    );
    return { shape: attrs.inputShape, dtype };
  },
  grad: ({ inputs, attrs: { inputShape: _, ...attrs }, cotangent, needs }) => {
    const [dy, weight] = [at(inputs, 0), at(inputs, 1)];
    return [
      needs(0) ? conv2dOp.one([cotangent(), weight], attrs) : null,
      needs(1) ? conv2dWeightGradOp.one([cotangent(), dy], { ...attrs, weightShape: weight.shape }) : null,
    ];
  },
  lower: (inputs, attrs) => lowerInputGrad(at(inputs, 0), at(inputs, 1), attrs.inputShape, attrs),
  amp: 'low',
  reference: (inputs, attrs, outputs) => {
    const [dy, weight] = [at(inputs, 0), at(inputs, 1)];
    const { shape, dtype } = at(outputs, 0);
    const dx = numericArray(dtype, sizeOf(shape));
    const [batch, channels, area] = [at(dy.shape, 0), at(dy.shape, 1), at(dy.shape, 2) * at(dy.shape, 3)];
    const count = channels / attrs.groups;
    const depth = sizeOf(weight.shape.slice(1));
    for (let g = 0; g < attrs.groups; g++) {
      const rows = channelsLast(dy.data, batch, channels, area, g * count, count);
      const filters = transposed(weight.data, count, depth, g * count * depth);
      const taps = multiplyRows(rows, filters, batch * area, depth, count);
      addRowsToImage(taps, dx, groupPatches(shape, weight.shape, dy.shape, attrs, g));
    }
    return dx;
  },
  samples: [
    {
      inputs: [{ shape: [2, 4, 6, 7] }, { shape: [4, 3, 3, 3] }],
      attrs: { ...geometry(1, 1, 1, 1), inputShape: [2, 3, 6, 7] },
    },
    {
      inputs: [{ shape: [1, 6, 4, 4] }, { shape: [6, 2, 3, 2] }],
      attrs: { ...geometry(2, 1, 1, 2), inputShape: [1, 4, 7, 6] },
    },
  ],
  errors: [
    {
      inputs: [float([2, 4, 5, 7]), float([4, 3, 3, 3])],
      attrs: { ...geometry(1, 1, 1, 1), inputShape: [2, 3, 6, 7] },
      message: /conv2dInputGrad: dy has shape \[2, 4, 5, 7\] but the convolution makes \[2, 4, 6, 7\]/,
    },
  ],
});

/** The result is float32 also for 16-bit inputs: sums over a whole batch lose too much in 16 bits. */
export const conv2dWeightGradOp: Op<ConvolutionAttributes & { readonly weightShape: Shape }> = defineOp({
  name: 'conv2dWeightGrad',
  kind: 'contract',
  infer: (inputs, attrs) => {
    const x = floatOperand('conv2dWeightGrad', inputs, 0, 'x', 4, 'NCHW');
    const dy = floatOperand('conv2dWeightGrad', inputs, 1, 'dy', 4, 'NCHW');
    sameDType('conv2dWeightGrad', { x, dy });
    checkOutput(
      'conv2dWeightGrad',
      dy.shape,
      convolvedShape('conv2dWeightGrad', x.shape, attrs.weightShape, attrs),
    );
    return { shape: attrs.weightShape, dtype: 'float32' };
  },
  grad: ({ inputs, attrs: { weightShape: _, ...attrs }, cotangent, needs }) => {
    const [x, dy] = [at(inputs, 0), at(inputs, 1)];
    const weight = cast(cotangent(), x.dtype);
    return [
      needs(0) ? conv2dInputGradOp.one([dy, weight], { ...attrs, inputShape: x.shape }) : null,
      needs(1) ? conv2dOp.one([x, weight], attrs) : null,
    ];
  },
  lower: (inputs, attrs) => lowerWeightGrad(at(inputs, 0), at(inputs, 1), attrs.weightShape, attrs),
  amp: 'low',
  reference: (inputs, attrs, outputs) => {
    const [x, dy] = [at(inputs, 0), at(inputs, 1)];
    const { shape, dtype } = at(outputs, 0);
    const dw = numericArray(dtype, sizeOf(shape));
    const [batch, channels, area] = [at(dy.shape, 0), at(dy.shape, 1), at(dy.shape, 2) * at(dy.shape, 3)];
    const count = channels / attrs.groups;
    const depth = sizeOf(shape.slice(1));
    for (let g = 0; g < attrs.groups; g++) {
      const patches = imageToRows(x.data, groupPatches(x.shape, shape, dy.shape, attrs, g));
      const columns = transposed(patches, batch * area, depth);
      const rows = transposed(
        channelsLast(dy.data, batch, channels, area, g * count, count),
        batch * area,
        count,
      );
      dw.set(multiplyRows(rows, columns, count, depth, batch * area), g * count * depth);
    }
    return dw;
  },
  samples: [
    {
      inputs: [{ shape: [2, 3, 6, 7] }, { shape: [2, 4, 6, 7] }],
      attrs: { ...geometry(1, 1, 1, 1), weightShape: [4, 3, 3, 3] },
    },
    {
      inputs: [{ shape: [1, 4, 7, 6] }, { shape: [1, 6, 4, 4] }],
      attrs: { ...geometry(2, 1, 1, 2), weightShape: [6, 2, 3, 2] },
    },
  ],
  errors: [
    {
      inputs: [float([2, 3, 6, 7]), float([2, 5, 6, 7])],
      attrs: { ...geometry(1, 1, 1, 1), weightShape: [4, 3, 3, 3] },
      message: /conv2dWeightGrad: dy has shape \[2, 5, 6, 7\] but the convolution makes \[2, 4, 6, 7\]/,
    },
  ],
});

/**
 * Two-dimensional cross-correlation, as `torch.nn.functional.conv2d`.
 *
 * x [N, C, H, W], weight [O, C / groups, kh, kw], bias [O] or null; the result is [N, O, H', W'] with
 * H' = floor((H + padding - dilation * (kh - 1) - 1) / stride) + 1. Throws ShapeError when they do not fit.
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvolutionOptions = {},
): Tensor {
  return conv2dOp.one(
    bias === null ? [x, weight] : [x, weight, bias],
    convolutionAttributes('conv2d', options),
  );
}

function checkBias(op: string, inputs: Parameters<typeof floatOperand>[1], channels: number): void {
  const bias = floatOperand(op, inputs, 2, 'bias');
  if (!sameShape(bias.shape, [channels])) {
    throw new ShapeError(
      `${op}: bias must have shape [${channels}], one number an output channel, but has ${formatShape(bias.shape)}`,
    );
  }
}

function checkOutput(op: string, dy: Shape, made: Shape): void {
  if (!sameShape(dy, made)) {
    throw new ShapeError(
      `${op}: dy has shape ${formatShape(dy)} but the convolution makes ${formatShape(made)}`,
    );
  }
}

/** Attributes of samples, equal on both axes. */
function geometry(stride: number, padding: number, dilation: number, groups: number): ConvolutionAttributes {
  return {
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
    dilation: [dilation, dilation],
    groups,
  };
}

function float(shape: Shape) {
  return { shape, dtype: 'float32' } as const;
}
