/**
 * Convolutions as one matrix product for all pictures of the batch.
 *
 * A runtime's own kernels go through the whole weight once a picture, for as few columns as the map has places. In the last stages of a network, with
 * small maps and many channels, that is most of their time. Here the pictures are innermost, so that every slice is made of long rows, and the kernel's
 * taps are inside the channels, as in the weight, which is never transposed.
 */

import { at } from '@omma/core';
import type { RuleContext } from '../../rule.ts';
import { type Geometry, tapCount } from './geometry.ts';
import { padded, taps } from './taps.ts';

/** The most places of a map on which a product a picture wastes more than the columns cost. Measured with ONNX Runtime and AVX-512. */
const smallMap = 16;

/** Whether the rules of the convolution and of its input's gradient should take this way. */
export function hasSmallMap(context: RuleContext, { batch, grid }: Geometry): boolean {
  const { dtype } = context.input(0);
  return context.dialect.mergesPictures && dtype === 'float32' && batch > 1 && grid[0] * grid[1] <= smallMap;
}

/** [N, G * C, H, W] as [G, C, H * W * N]. */
export function picturesLast(context: RuleContext, name: string, groups: number, channels: number): string {
  const last = context.emit('Transpose', [name], { perm: [1, 2, 3, 0] });
  return context.emit('Reshape', [last, context.integers([groups, channels, -1])]);
}

/** [channels, H, W, N], or any shape of as many elements in that order, as [N, channels, H, W]. */
export function picturesFirst(
  context: RuleContext,
  name: string,
  [batch = 1, ...plane]: readonly number[],
): string {
  const shaped = context.emit('Reshape', [name, context.integers([...plane, batch])]);
  return context.emit('Transpose', [shaped], { perm: [3, 0, 1, 2] });
}

/** The weight as [G, O, C * taps]. */
export function weightRows(context: RuleContext, weight: string, { groups, outer }: Geometry): string {
  return context.emit('Reshape', [weight, context.integers([groups, outer, -1])]);
}

/** What the kernel's taps meet of x [N, G * C, H, W], as [G, C * taps, h * w * N]. */
export function columnsOf(context: RuleContext, x: string, geometry: Geometry): string {
  const { batch, groups, inner, size } = geometry;
  const planes = context.emit('Reshape', [
    context.emit('Transpose', [x], { perm: [1, 2, 3, 0] }),
    context.integers([groups * inner, 1, ...size, batch]),
  ]);
  const parts = taps(context, padded(context, planes, geometry, 2, 5), geometry, 2);
  const all = parts.length === 1 ? at(parts, 0) : context.emit('Concat', parts, { axis: 1 });
  return context.emit('Reshape', [all, context.integers([groups, inner * tapCount(geometry), -1])]);
}

/** The reverse: columns [G, C * taps, h * w * N] added up where they were taken from, as [N, G * C, H, W]. For stride 1. */
export function addColumns(context: RuleContext, columns: string, geometry: Geometry): string {
  const { batch, groups, inner, size, grid, kernel, dilation, padding } = geometry;
  const channels = groups * inner;
  /** `name` as [channels, taps, A, places, B] without its taps: each is put where it lies among `extent` places, and all are added. */
  const added = (name: string, shape: readonly number[], side: 0 | 1): string => {
    const split = context.emit('Reshape', [name, context.integers(shape)]);
    const taps = kernel[side];
    const parts = Array.from({ length: taps }, (_, tap) => {
      const before = tap * dilation[side] - (side === 0 ? padding.top : padding.left);
      const behind = size[side] - grid[side] - before;
      return context.emit('Pad', [
        split,
        context.integers([0, -tap, 0, before, 0, 0, tap + 1 - taps, 0, behind, 0]),
      ]);
    });
    return parts.length === 1 ? at(parts, 0) : context.emit('Sum', parts);
  };
  // The kernel's rows first: their places are the longer runs, and what is left for the second time is smaller.
  const rows = added(columns, [channels, ...kernel, grid[0], grid[1] * batch], 0);
  const image = added(rows, [channels, kernel[1], size[0], grid[1], batch], 1);
  return picturesFirst(context, image, [batch, channels, ...size]);
}
