/** What each tap of a convolution's kernel meets of its input. */

import { at } from '@omma/core';
import type { RuleContext } from '../../rule.ts';
import type { Geometry } from './geometry.ts';

/** x with its padding; its height is at `axis` and its width behind, of `rank` axes. */
export function padded(
  context: RuleContext,
  x: string,
  { padding }: Geometry,
  axis: number,
  rank = 4,
): string {
  const { top, left, bottom, right } = padding;
  if (top + left + bottom + right === 0) return x;
  const along = (height: number, width: number) =>
    Array.from({ length: rank }, (_, i) => (i === axis ? height : i === axis + 1 ? width : 0));
  return context.emit('Pad', [x, context.integers([...along(top, left), ...along(bottom, right)])]);
}

/** For each tap, row by row, the slice of the padded x, whose height is at `axis`, with the grid's height and width. */
export function taps(context: RuleContext, x: string, geometry: Geometry, axis: number): string[] {
  const { kernel, stride, dilation, grid, size, padding } = geometry;
  const extents = [size[0] + padding.top + padding.bottom, size[1] + padding.left + padding.right];
  const names: string[] = [];
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      const starts = [i * dilation[0], j * dilation[1]];
      const ends = starts.map((start, side) => start + (at(grid, side) - 1) * at(stride, side) + 1);
      const whole = ends.every(
        (end, side) => end - at(starts, side) === at(extents, side) && at(stride, side) === 1,
      );
      const window = [starts, ends, [axis, axis + 1], stride].map((values) => context.integers(values));
      names.push(whole ? x : context.emit('Slice', [x, ...window]));
    }
  }
  return names;
}
