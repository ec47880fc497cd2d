/** Rules of matrix products and convolutions. */

import { at } from '@omma/core';
import {
  flagAttribute,
  numberAttribute,
  numbersAttribute,
  padsAttribute,
  pairAttribute,
} from '../attributes.ts';
import { defineRule, type RuleContext, type RuleInput } from '../rule.ts';

defineRule('matmul', (context) => {
  const [a, b] = [context.input(0), context.input(1)];
  const left = flagAttribute(context.attrs, 'transposeA') ? transposed(context, a) : a.name;
  const right = flagAttribute(context.attrs, 'transposeB') ? transposed(context, b) : b.name;
  return context.emit('MatMul', [left, right]);
});

defineRule('linear', (context) => {
  const [x, weight] = [context.input(0), context.input(1)];
  const bias = context.inputs[2];
  if (x.shape.length === 2) return context.emit('Gemm', context.names, { transB: 1 });
  const product = context.emit('MatMul', [x.name, transposed(context, weight)]);
  return bias === undefined ? product : context.emit('Add', [product, bias.name]);
});

/** The input with its last two axes exchanged. */
function transposed(context: RuleContext, input: RuleInput): string {
  const axes = input.shape.map((_, axis) => axis);
  const perm = [...axes.slice(0, -2), at(axes, axes.length - 1), at(axes, axes.length - 2)];
  return context.emit('Transpose', [input.name], { perm });
}

const window = (context: RuleContext) => {
  const { top, left, bottom, right } = padsAttribute(context.attrs, 'padding');
  return {
    kernel_shape: context.input(1).shape.slice(2),
    strides: pairAttribute(context.attrs, 'stride'),
    dilations: pairAttribute(context.attrs, 'dilation'),
    pads: [top, left, bottom, right],
    group: numberAttribute(context.attrs, 'groups'),
  };
};

defineRule('conv2d', (context) => context.emit('Conv', context.names, window(context)));

defineRule('convTranspose2d', (context) =>
  context.emit('ConvTranspose', context.names, {
    ...window(context),
    output_padding: pairAttribute(context.attrs, 'outputPadding'),
  }),
);

// The gradient of a convolution with respect to its input is a transposed convolution, with the same weight layout.
defineRule('conv2dInputGrad', (context) => {
  const common = window(context);
  const [, , height = 0, width = 0] = numbersAttribute(context.attrs, 'inputShape');
  const { top, left, bottom, right } = padsAttribute(context.attrs, 'padding');
  const [, , outHeight = 0, outWidth = 0] = context.input(0).shape;
  const reached = (out: number, axis: number, padding: number) =>
    at(common.strides, axis) * (out - 1) +
    at(common.dilations, axis) * (at(common.kernel_shape, axis) - 1) +
    1 -
    padding;
  return context.emit('ConvTranspose', context.names, {
    ...common,
    output_padding: [
      height - reached(outHeight, 0, top + bottom),
      width - reached(outWidth, 1, left + right),
    ],
  });
});
