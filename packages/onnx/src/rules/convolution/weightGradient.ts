/**
 * The gradient of a convolution with respect to its weight, as matrix products.
 *
 * It is itself a convolution, of x with dy as the kernel, but that kernel is as large as the whole feature map, which is slow everywhere
 * and more than the 255 pixels that Ascend's compiler takes. Instead: for each tap (i, j) of the kernel, the part of x that the tap
 * meets is a (strided) slice, and the gradient there is the product of dy and that slice, summed over all places and pictures.
 *
 * Three ways to sum, by what is moved least: a product per picture and a sum over the pictures (large maps), pictures and places merged
 * into one long sum (small maps with many channels), plain multiplication and reduction (depthwise).
 */

import { at } from '@omma/core';
import { numbersAttribute } from '../../attributes.ts';
import { defineRule, type RuleContext } from '../../rule.ts';
import { elementCounts, type Geometry, geometryOf, tapCount } from './geometry.ts';
import { columnsOf, picturesLast } from './pictures.ts';
import { padded, taps } from './taps.ts';

/** Rows of a product that use a matrix unit well; taps are stacked until there are as many. */
const fullRows = 64;

defineRule('conv2dWeightGrad', (context) => {
  const [x, dy] = [context.input(0), context.input(1)];
  const weight = numbersAttribute(context.attrs, 'weightShape');
  const geometry = geometryOf(context, x.shape, weight, dy.shape);
  if (geometry.inner === 1 && geometry.outer === 1) return depthwise(context, x.name, dy.name, geometry);
  return shouldMerge(context, geometry)
    ? merged(context, x.name, dy.name, geometry)
    : perPicture(context, x.name, dy.name, geometry);
});

/**
 * Merging costs a transposition of both operands, not merging a product a picture that has the size of the weight. 16-bit products
 * stay per picture: their sum over the pictures is then made in float32.
 */
function shouldMerge(context: RuleContext, geometry: Geometry): boolean {
  const { x, y, weight } = elementCounts(geometry);
  const onePicture = (x + y) / geometry.batch;
  return context.dialect.element(context.input(0).dtype) === 'float32' && weight > 2 * onePicture;
}

/** Lists of as many taps as together have enough rows. */
function stacked(names: readonly string[], rows: number): string[][] {
  const count = Math.max(1, Math.ceil(fullRows / rows));
  const stacks: string[][] = [];
  for (let i = 0; i < names.length; i += count) stacks.push(names.slice(i, i + count));
  return stacks;
}

function joined(context: RuleContext, names: readonly string[], axis: number): string {
  return names.length === 1 ? at(names, 0) : context.emit('Concat', names, { axis });
}

function transposed(context: RuleContext, name: string, perm: readonly number[]): string {
  return context.emit('Transpose', [name], { perm });
}

/** dy [N, G, O, L] times the taps [N, G, C, L], then the sum over the pictures. */
function perPicture(context: RuleContext, x: string, dy: string, geometry: Geometry): string {
  const { batch, groups, inner, outer, grid } = geometry;
  const places = grid[0] * grid[1];
  const count = tapCount(geometry);
  const rows = context.emit('Reshape', [dy, context.integers([batch, groups, outer, places])]);
  const parts = taps(context, padded(context, x, geometry, 2), geometry, 2).map((part) =>
    context.emit('Reshape', [part, context.integers([batch, groups, inner, places])]),
  );
  const products = stacked(parts, inner).map((stack) =>
    context.emit('MatMul', [rows, transposed(context, joined(context, stack, 2), [0, 1, 3, 2])]),
  );
  const each = context.cast(joined(context, products, 3), 'float32');
  const total =
    batch === 1 ? each : context.emit('ReduceSum', [each, context.integers([0])], { keepdims: 0 });
  const weightShape = context.integers(context.output.shape);
  if (count === 1) return context.emit('Reshape', [total, weightShape]);
  const split = context.emit('Reshape', [total, context.integers([groups * outer, count, inner])]);
  return context.emit('Reshape', [transposed(context, split, [0, 2, 1]), weightShape]);
}

/** dy [G, O, L * N] times the columns of x: one sum over places and pictures, in the weight's order. */
function merged(context: RuleContext, x: string, dy: string, geometry: Geometry): string {
  const { groups, outer } = geometry;
  const columns = transposed(context, columnsOf(context, x, geometry), [0, 2, 1]);
  const product = context.emit('MatMul', [picturesLast(context, dy, groups, outer), columns]);
  return context.emit('Reshape', [product, context.integers(context.output.shape)]);
}

/** One channel in, one out: no matrix worth the name. */
function depthwise(context: RuleContext, x: string, dy: string, geometry: Geometry): string {
  const parts = taps(context, padded(context, x, geometry, 2), geometry, 2);
  const sums = parts.map((part) => {
    const product = context.cast(context.emit('Mul', [part, dy]), 'float32');
    return context.emit('ReduceSum', [product, context.integers([0, 2, 3])], { keepdims: 1 });
  });
  const all = joined(context, sums, 2);
  const each = context.emit('Reshape', [all, context.integers([geometry.groups, parts.length])]);
  return context.emit('Reshape', [each, context.integers(context.output.shape)]);
}
