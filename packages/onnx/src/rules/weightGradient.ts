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
import { numberAttribute, numbersAttribute, padsAttribute, pairAttribute } from '../attributes.ts';
import { defineRule, type RuleContext } from '../rule.ts';

interface Geometry {
  readonly batch: number;
  readonly groups: number;
  /** Input and output channels of one group. */
  readonly inner: number;
  readonly outer: number;
  /** Extents of x after padding, of dy, and of the kernel. */
  readonly padded: readonly [number, number];
  readonly grid: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/** Rows of a product that use a matrix unit well; taps are stacked until there are as many. */
const fullRows = 64;

defineRule('conv2dWeightGrad', (context) => {
  const geometry = geometryOf(context);
  const [x, dy] = [context.input(0).name, context.input(1).name];
  if (geometry.inner === 1 && geometry.outer === 1) return depthwise(context, x, dy, geometry);
  return shouldMerge(context, geometry)
    ? merged(context, x, dy, geometry)
    : perPicture(context, x, dy, geometry);
});

function geometryOf(context: RuleContext): Geometry {
  const { attrs } = context;
  const groups = numberAttribute(attrs, 'groups');
  const [, , kh = 1, kw = 1] = numbersAttribute(attrs, 'weightShape');
  const { top, left, bottom, right } = padsAttribute(attrs, 'padding');
  const [x, dy] = [context.input(0).shape, context.input(1).shape];
  return {
    batch: at(x, 0),
    groups,
    inner: at(x, 1) / groups,
    outer: at(dy, 1) / groups,
    padded: [at(x, 2) + top + bottom, at(x, 3) + left + right],
    grid: [at(dy, 2), at(dy, 3)],
    kernel: [kh, kw],
    stride: pairAttribute(attrs, 'stride'),
    dilation: pairAttribute(attrs, 'dilation'),
  };
}

/**
 * Merging costs a transposition of both operands, not merging a product a picture that has the size of the weight. 16-bit products
 * stay per picture: their sum over the pictures is then made in float32.
 */
function shouldMerge(context: RuleContext, geometry: Geometry): boolean {
  const { groups, inner, outer, kernel, padded, grid } = geometry;
  const weight = groups * inner * outer * kernel[0] * kernel[1];
  const operands = groups * (inner * padded[0] * padded[1] + outer * grid[0] * grid[1]);
  return context.dialect.element(context.input(0).dtype) === 'float32' && weight > 2 * operands;
}

/** x with its padding, as [A, B, H, W] where it comes in. */
function paddedInput(context: RuleContext, x: string): string {
  const { top, left, bottom, right } = padsAttribute(context.attrs, 'padding');
  if (top + left + bottom + right === 0) return x;
  return context.emit('Pad', [x, context.integers([0, 0, top, left, 0, 0, bottom, right])]);
}

/** What each tap of the kernel meets: slices of the padded x, row by row, as `shape`. */
function taps(context: RuleContext, padded: string, geometry: Geometry, shape: readonly number[]): string[] {
  const { kernel, stride, dilation, grid } = geometry;
  const names: string[] = [];
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      const starts = [i * dilation[0], j * dilation[1]];
      const ends = [0, 1].map((axis) => at(starts, axis) + (at(grid, axis) - 1) * at(stride, axis) + 1);
      const whole = [0, 1].every(
        (axis) => at(ends, axis) - at(starts, axis) === at(geometry.padded, axis) && at(stride, axis) === 1,
      );
      const part = whole
        ? padded
        : context.emit('Slice', [
            padded,
            ...[starts, ends, [2, 3], stride].map((values) => context.integers(values)),
          ]);
      names.push(context.emit('Reshape', [part, context.integers(shape)]));
    }
  }
  return names;
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

/** The gradient as [groups, outer, taps, inner], brought into the weight's order. */
function inWeightOrder(context: RuleContext, name: string, geometry: Geometry): string {
  const { groups, outer, inner, kernel } = geometry;
  const count = kernel[0] * kernel[1];
  const weightShape = context.integers(context.output.shape);
  if (count === 1) return context.emit('Reshape', [name, weightShape]);
  const split = context.emit('Reshape', [name, context.integers([groups * outer, count, inner])]);
  return context.emit('Reshape', [transposed(context, split, [0, 2, 1]), weightShape]);
}

/** dy [N, G, O, L] times the taps [N, G, C, L], then the sum over the pictures. */
function perPicture(context: RuleContext, x: string, dy: string, geometry: Geometry): string {
  const { batch, groups, inner, outer, grid } = geometry;
  const places = grid[0] * grid[1];
  const rows = context.emit('Reshape', [dy, context.integers([batch, groups, outer, places])]);
  const parts = taps(context, paddedInput(context, x), geometry, [batch, groups, inner, places]);
  const products = stacked(parts, inner).map((stack) =>
    context.emit('MatMul', [rows, transposed(context, joined(context, stack, 2), [0, 1, 3, 2])]),
  );
  const each = context.cast(joined(context, products, 3), 'float32');
  const total =
    batch === 1 ? each : context.emit('ReduceSum', [each, context.integers([0])], { keepdims: 0 });
  return inWeightOrder(context, total, geometry);
}

/** dy [G, O, N * L] times the taps [G, C, N * L]: one sum over pictures and places. */
function merged(context: RuleContext, x: string, dy: string, geometry: Geometry): string {
  const { batch, groups, inner, outer, grid } = geometry;
  const length = batch * grid[0] * grid[1];
  const rows = context.emit('Reshape', [
    transposed(context, dy, [1, 0, 2, 3]),
    context.integers([groups, outer, length]),
  ]);
  const channelsFirst = paddedInput(context, transposed(context, x, [1, 0, 2, 3]));
  const parts = taps(context, channelsFirst, geometry, [groups, inner, length]);
  const columns = transposed(context, joined(context, parts, 1), [0, 2, 1]);
  return inWeightOrder(context, context.emit('MatMul', [rows, columns]), geometry);
}

/** One channel in, one out: no matrix worth the name. */
function depthwise(context: RuleContext, x: string, dy: string, geometry: Geometry): string {
  const { batch, groups, grid } = geometry;
  const parts = taps(context, paddedInput(context, x), geometry, [batch, groups, ...grid]);
  const sums = parts.map((part) => {
    const product = context.cast(context.emit('Mul', [part, dy]), 'float32');
    return context.emit('ReduceSum', [product, context.integers([0, 2, 3])], { keepdims: 1 });
  });
  const all = joined(context, sums, 2);
  const each = context.emit('Reshape', [all, context.integers([groups, parts.length])]);
  return context.emit('Reshape', [each, context.integers(context.output.shape)]);
}
