/**
 * Adding columns back to the pixels that they came from. A transposed convolution whose kernels are one at one tap and zero elsewhere
 * does just that, in one pass over memory; the gradients of pooling are made of it.
 */

import { at } from '@omma/core';
import { numbersAttribute, padsAttribute, pairAttribute } from '../attributes.ts';
import { defineRule, type RuleContext } from '../rule.ts';

defineRule('fold', (context) => {
  const [n, depth] = context.input(0).shape;
  const kernel = pairAttribute(context.attrs, 'kernel');
  const count = kernel[0] * kernel[1];
  const planes = ((n ?? 1) * (depth ?? 1)) / count;
  const grid = windowGrid(context);
  const columns = context.emit('Reshape', [
    context.input(0).name,
    context.integers([planes, count, ...grid]),
  ]);
  const eye = Array.from({ length: count * count }, (_, i) => (i % (count + 1) === 0 ? 1 : 0));
  const weight = context.array(eye, [count, 1, ...kernel], context.input(0).dtype);
  const image = context.emit('ConvTranspose', [columns, weight], {
    kernel_shape: kernel,
    ...placement(context, grid),
    group: 1,
  });
  return context.emit('Reshape', [image, context.integers(context.output.shape)]);
});

/** Places of the window on the output: [rows, columns]. */
function windowGrid(context: RuleContext): [number, number] {
  const kernel = pairAttribute(context.attrs, 'kernel');
  const stride = pairAttribute(context.attrs, 'stride');
  const dilation = pairAttribute(context.attrs, 'dilation');
  const [height, width] = pairAttribute(context.attrs, 'outputSize');
  const { top, left, bottom, right } = padsAttribute(context.attrs, 'padding');
  const along = (axis: 0 | 1, extent: number) =>
    Math.floor((extent - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis]) + 1;
  return [along(0, height + top + bottom), along(1, width + left + right)];
}

/** Attributes of the transposed convolution that ends exactly at the output's size. */
function placement(context: RuleContext, grid: readonly number[]) {
  const kernel = pairAttribute(context.attrs, 'kernel');
  const strides = pairAttribute(context.attrs, 'stride');
  const dilations = pairAttribute(context.attrs, 'dilation');
  const size = numbersAttribute(context.attrs, 'outputSize');
  const { top, left, bottom, right } = padsAttribute(context.attrs, 'padding');
  const beyond = (axis: 0 | 1, padding: number) =>
    at(size, axis) +
    padding -
    (strides[axis] * (at(grid, axis) - 1) + dilations[axis] * (kernel[axis] - 1) + 1);
  return {
    strides,
    dilations,
    pads: [top, left, bottom, right],
    output_padding: [beyond(0, top + bottom), beyond(1, left + right)],
  };
}
