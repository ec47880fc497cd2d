/** Convolutions, and their gradients with respect to the input. */

import { at } from '@omma/core';
import { numberAttribute, numbersAttribute, padsAttribute, pairAttribute } from '../../attributes.ts';
import { defineRule, type RuleContext } from '../../rule.ts';
import { type Geometry, geometryOf } from './geometry.ts';
import { addColumns, columnsOf, hasSmallMap, picturesFirst, picturesLast, weightRows } from './pictures.ts';

const windowOf = (context: RuleContext) => {
  const { top, left, bottom, right } = padsAttribute(context.attrs, 'padding');
  return {
    kernel_shape: context.input(1).shape.slice(2),
    strides: pairAttribute(context.attrs, 'stride'),
    dilations: pairAttribute(context.attrs, 'dilation'),
    pads: [top, left, bottom, right],
    group: numberAttribute(context.attrs, 'groups'),
  };
};

defineRule('conv2d', (context) => {
  const geometry = geometryOf(context, context.input(0).shape, context.input(1).shape, context.output.shape);
  return hasSmallMap(context, geometry)
    ? mergedConvolution(context, geometry)
    : context.emit('Conv', context.names, windowOf(context));
});

/** The weight [G, O, C * taps] times the columns of x. */
function mergedConvolution(context: RuleContext, geometry: Geometry): string {
  const [x = '', weight = '', bias] = context.names;
  const rows = weightRows(context, weight, geometry);
  const product = context.emit('MatMul', [rows, columnsOf(context, x, geometry)]);
  const y = picturesFirst(context, product, context.output.shape);
  if (bias === undefined) return y;
  return context.emit('Add', [y, context.emit('Reshape', [bias, context.integers([-1, 1, 1])])]);
}

defineRule('convTranspose2d', (context) =>
  context.emit('ConvTranspose', context.names, {
    ...windowOf(context),
    output_padding: pairAttribute(context.attrs, 'outputPadding'),
  }),
);

// A transposed convolution, with the same weight layout.
defineRule('conv2dInputGrad', (context) => {
  const geometry = geometryOf(
    context,
    numbersAttribute(context.attrs, 'inputShape'),
    context.input(1).shape,
    context.input(0).shape,
  );
  const strided = geometry.stride.some((stride) => stride !== 1);
  return hasSmallMap(context, geometry) && !strided
    ? mergedInputGradient(context, geometry)
    : context.emit('ConvTranspose', context.names, {
        ...windowOf(context),
        output_padding: outputPadding(geometry),
      });
});

/** The weight [G, C * taps, O] times dy. */
function mergedInputGradient(context: RuleContext, geometry: Geometry): string {
  const [dy = '', weight = ''] = context.names;
  const rows = context.emit('Transpose', [weightRows(context, weight, geometry)], { perm: [0, 2, 1] });
  const columns = context.emit('MatMul', [rows, picturesLast(context, dy, geometry.groups, geometry.outer)]);
  return addColumns(context, columns, geometry);
}

/** Rows and columns at the end of x that no window reaches. */
function outputPadding({ size, grid, kernel, stride, dilation, padding }: Geometry): number[] {
  const { top, left, bottom, right } = padding;
  return [top + bottom, left + right].map((around, side) => {
    const reached = at(stride, side) * (at(grid, side) - 1) + at(dilation, side) * (at(kernel, side) - 1) + 1;
    return at(size, side) + around - reached;
  });
}
