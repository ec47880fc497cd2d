/** The extents of a convolution, whichever of x, weight and dy the node has as inputs. */

import { at, type Shape } from '@omma/core';
import { numberAttribute, type Pads, padsAttribute, pairAttribute } from '../../attributes.ts';
import type { RuleContext } from '../../rule.ts';

export interface Geometry {
  readonly batch: number;
  readonly groups: number;
  /** Input and output channels of one group. */
  readonly inner: number;
  readonly outer: number;
  /** Height and width of x, of the output and its gradient, and of the kernel. */
  readonly size: readonly [number, number];
  readonly grid: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: Pads;
}

/** x [N, C, H, W], weight [O, C / groups, kh, kw], y [N, O, h, w]. */
export function geometryOf({ attrs }: RuleContext, x: Shape, weight: Shape, y: Shape): Geometry {
  const groups = numberAttribute(attrs, 'groups');
  return {
    batch: at(x, 0),
    groups,
    inner: at(weight, 1),
    outer: at(weight, 0) / groups,
    size: [at(x, 2), at(x, 3)],
    grid: [at(y, 2), at(y, 3)],
    kernel: [at(weight, 2), at(weight, 3)],
    stride: pairAttribute(attrs, 'stride'),
    dilation: pairAttribute(attrs, 'dilation'),
    padding: padsAttribute(attrs, 'padding'),
  };
}

/** Taps of the kernel. */
export function tapCount({ kernel }: Geometry): number {
  return kernel[0] * kernel[1];
}

/** Elements of x, of y and of the weight. */
export function elementCounts(geometry: Geometry) {
  const { batch, groups, inner, outer, size, grid } = geometry;
  return {
    x: batch * groups * inner * size[0] * size[1],
    y: batch * groups * outer * grid[0] * grid[1],
    weight: groups * outer * inner * tapCount(geometry),
  };
}
