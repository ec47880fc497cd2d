/** What the three convolution ops and the transposed one agree on: attributes, shape rules, and the geometry of their loops. */

import { ShapeError } from '../../errors.ts';
import { at } from '../../op.ts';
import { formatShape, type Shape } from '../../shape.ts';
import { type Pads, type Pair, type PairLike, pads, pair, windowGrid } from '../window/geometry.ts';
import type { Patches } from './dense.ts';

export type ConvolutionAttributes = {
  readonly stride: Pair;
  readonly padding: Pads;
  readonly dilation: Pair;
  readonly groups: number;
};

export interface ConvolutionOptions {
  /** 1 unless given. */
  readonly stride?: PairLike;
  /** Zeros around the image: a number, [height, width] or [top, left, bottom, right]; 0 unless given. */
  readonly padding?: PairLike;
  /** Distance between kernel taps; 1 unless given. */
  readonly dilation?: PairLike;
  /** 1 unless given; must divide input and output channels. */
  readonly groups?: number;
}

export function convolutionAttributes(op: string, options: ConvolutionOptions): ConvolutionAttributes {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  if (!Number.isInteger(groups) || groups < 1)
    throw new ShapeError(`${op}: groups must be a positive integer but is ${groups}`);
  return {
    stride: pair(op, 'stride', stride, 1),
    padding: pads(op, padding),
    dilation: pair(op, 'dilation', dilation, 1),
    groups,
  };
}

/** Output shape of a convolution, after checking that x (NCHW), weight (OIHW) and groups fit. */
export function convolvedShape(op: string, x: Shape, weight: Shape, attrs: ConvolutionAttributes): number[] {
  const { groups } = attrs;
  const [n, c, h, w] = [at(x, 0), at(x, 1), at(x, 2), at(x, 3)];
  const [out, perGroup, kh, kw] = [at(weight, 0), at(weight, 1), at(weight, 2), at(weight, 3)];
  const described = `x ${formatShape(x)} (NCHW), weight ${formatShape(weight)} (OIHW), groups ${groups}`;
  if (c !== perGroup * groups) {
    throw new ShapeError(
      `${op}: weight expects ${perGroup * groups} input channels but x has ${c}: ${described}`,
    );
  }
  if (out % groups !== 0) {
    throw new ShapeError(`${op}: groups must divide the ${out} output channels: ${described}`);
  }
  const grid = windowGrid(op, h, w, { ...attrs, kernel: [kh, kw] });
  return [n, out, ...grid];
}

/** Loop geometry of group `group`; x is NCHW, weight OIHW, y the output's shape. */
export function groupPatches(
  x: Shape,
  weight: Shape,
  y: Shape,
  attrs: ConvolutionAttributes,
  group: number,
): Patches {
  const groupChannels = at(weight, 1);
  return {
    batch: at(x, 0),
    channels: at(x, 1),
    height: at(x, 2),
    width: at(x, 3),
    firstChannel: group * groupChannels,
    groupChannels,
    grid: [at(y, 2), at(y, 3)],
    geometry: { ...attrs, kernel: [at(weight, 2), at(weight, 3)] },
  };
}
