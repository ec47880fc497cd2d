/** Transposed convolution: the input gradient of a convolution under another name, plus a bias. */

import { ShapeError } from '../../errors.ts';
import { at, defineOp } from '../../op.ts';
import { formatShape, type Shape, sameShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { add, cast, reshape } from '../index.ts';
import { floatOperand, sameDType } from '../operands.ts';
import { type Pair, type PairLike, pair, span } from '../window/geometry.ts';
import { conv2dInputGradOp } from './conv2d.ts';
import { type ConvolutionAttributes, type ConvolutionOptions, convolutionAttributes } from './convolution.ts';

type Attributes = ConvolutionAttributes & { readonly outputPadding: Pair };

export const convTranspose2dOp = defineOp<Attributes>({
  name: 'convTranspose2d',
  kind: 'contract',
  infer: (inputs, attrs) => {
    const x = floatOperand('convTranspose2d', inputs, 0, 'x', 4, 'NCHW');
    const weight = floatOperand('convTranspose2d', inputs, 1, 'weight', 4, 'IOHW');
    const dtype = sameDType('convTranspose2d', { x, weight });
    const shape = outputShape(x.shape, weight.shape, attrs);
    if (inputs.length > 2) {
      const bias = floatOperand('convTranspose2d', inputs, 2, 'bias');
      if (!sameShape(bias.shape, [at(shape, 1)])) {
        throw new ShapeError(
          `convTranspose2d: bias must have shape [${at(shape, 1)}], one number an output channel, but has ${formatShape(bias.shape)}`,
        );
      }
    }
    return { shape, dtype };
  },
  grad: 'lower',
  lower: (inputs, { outputPadding, ...attrs }) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), inputs[2]];
    const inputShape = outputShape(x.shape, weight.shape, { ...attrs, outputPadding });
    const y = conv2dInputGradOp.one([x, weight], { ...attrs, inputShape });
    return bias === undefined ? y : add(y, reshape(cast(bias, x.dtype), [1, -1, 1, 1]));
  },
  amp: 'low',
  samples: [
    {
      inputs: [{ shape: [2, 4, 3, 4] }, { shape: [4, 3, 3, 3] }, { shape: [3] }],
      attrs: geometry(2, 1, 1, 1, 1),
    },
    {
      inputs: [{ shape: [1, 4, 3, 3] }, { shape: [4, 2, 2, 4] }],
      attrs: geometry(1, 0, 2, 2, 0),
      note: 'groups, dilated',
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [1, 3, 4, 4], dtype: 'float32' },
        { shape: [4, 2, 3, 3], dtype: 'float32' },
      ],
      attrs: geometry(2, 1, 1, 1, 0),
      message: /convTranspose2d: weight expects 4 input channels but x has 3/,
    },
    {
      inputs: [
        { shape: [1, 4, 4, 4], dtype: 'float32' },
        { shape: [4, 2, 3, 3], dtype: 'float32' },
      ],
      attrs: geometry(2, 1, 1, 1, 2),
      message:
        /convTranspose2d: outputPadding \[2, 2\] must be smaller than stride \[2, 2\] or dilation \[1, 1\]/,
    },
  ],
});

export interface TransposedConvolutionOptions extends ConvolutionOptions {
  /** Rows and columns added below and to the right; 0 unless given; smaller than stride or dilation. */
  readonly outputPadding?: PairLike;
}

/**
 * Transposed convolution, as `torch.nn.functional.conv_transpose2d`.
 *
 * x [N, C, H, W], weight [C, O / groups, kh, kw], bias [O] or null; the result is [N, O, H', W'] with
 * H' = (H - 1) * stride - padding + dilation * (kh - 1) + outputPadding + 1. Throws ShapeError when they do not fit.
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: TransposedConvolutionOptions = {},
): Tensor {
  const outputPadding = pair('convTranspose2d', 'outputPadding', options.outputPadding ?? 0, 0);
  const attrs = { ...convolutionAttributes('convTranspose2d', options), outputPadding };
  return convTranspose2dOp.one(bias === null ? [x, weight] : [x, weight, bias], attrs);
}

function outputShape(x: Shape, weight: Shape, attrs: Attributes): number[] {
  const { stride, padding, dilation, groups, outputPadding } = attrs;
  const described = `x ${formatShape(x)} (NCHW), weight ${formatShape(weight)} (IOHW), groups ${groups}`;
  if (at(x, 1) !== at(weight, 0)) {
    throw new ShapeError(
      `convTranspose2d: weight expects ${at(weight, 0)} input channels but x has ${at(x, 1)}: ${described}`,
    );
  }
  if (at(weight, 0) % groups !== 0) {
    throw new ShapeError(
      `convTranspose2d: groups must divide the ${at(weight, 0)} input channels: ${described}`,
    );
  }
  const tooMuch = [0, 1].some(
    (axis) => at(outputPadding, axis) >= Math.max(at(stride, axis), at(dilation, axis)),
  );
  if (tooMuch) {
    throw new ShapeError(
      `convTranspose2d: outputPadding ${formatShape(outputPadding)} must be smaller than stride ${formatShape(stride)} or dilation ${formatShape(dilation)}`,
    );
  }
  const grid = [0, 1].map((axis) => {
    const full = (at(x, 2 + axis) - 1) * at(stride, axis) + span(at(weight, 2 + axis), at(dilation, axis));
    return full + at(outputPadding, axis) - at(padding, axis) - at(padding, 2 + axis);
  });
  if (grid.some((extent) => extent < 1)) {
    throw new ShapeError(
      `convTranspose2d: the padding ${formatShape(padding)} leaves nothing of the output: ${described}`,
    );
  }
  return [at(x, 0), at(weight, 1) * groups, ...grid];
}

function geometry(
  stride: number,
  padding: number,
  dilation: number,
  groups: number,
  outputPadding: number,
): Attributes {
  return {
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
    dilation: [dilation, dilation],
    groups,
    outputPadding: [outputPadding, outputPadding],
  };
}
