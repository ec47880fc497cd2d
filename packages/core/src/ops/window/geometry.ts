/**
 * The arithmetic of sliding windows: options as people write them, and how many places a window has along an axis.
 *
 * Convolution, pooling and unfold share it. Attributes in the graph are always in the long form.
 */

import { ShapeError } from '../../errors.ts';

/** [height, width] */
export type Pair = readonly [number, number];
/** [top, left, bottom, right] */
export type Pads = readonly [number, number, number, number];

export type PairLike = number | readonly number[];

/** A number for both axes, or one for each. Integers of at least `least`. */
export function pair(op: string, name: string, value: PairLike, least: number): Pair {
  const [h, w, ...more] = typeof value === 'number' ? [value, value] : value;
  if (
    h === undefined ||
    w === undefined ||
    more.length > 0 ||
    ![h, w].every((n) => Number.isInteger(n) && n >= least)
  ) {
    throw new ShapeError(
      `${op}: ${name} must be an integer of at least ${least}, or two of them, but is ${JSON.stringify(value)}`,
    );
  }
  return [h, w];
}

/** A number for all sides, [height, width], or [top, left, bottom, right]. */
export function pads(op: string, value: PairLike): Pads {
  const list = typeof value === 'number' ? [value, value] : value;
  const [top, left, bottom = top, right = left] = list;
  const legal = (list.length === 2 || list.length === 4) && list.every((n) => Number.isInteger(n) && n >= 0);
  if (!legal || top === undefined || left === undefined || bottom === undefined || right === undefined) {
    throw new ShapeError(
      `${op}: padding must be a number, [height, width] or [top, left, bottom, right], none negative, but is ${JSON.stringify(value)}`,
    );
  }
  return [top, left, bottom, right];
}

/** Pixels that a kernel spans along one axis. */
export function span(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/**
 * Places of a window along an axis. With `ceil`, a last window that hangs over the end counts too, if it starts inside the
 * input or the padding before it (PyTorch's rule). Throws when there is none.
 */
export function windowCount(
  op: string,
  axis: 'height' | 'width',
  extent: number,
  kernel: number,
  options: { stride: number; before: number; after: number; dilation: number; ceil?: boolean },
): number {
  const { stride, before, after, dilation, ceil = false } = options;
  const room = extent + before + after - span(kernel, dilation);
  if (room < 0) {
    throw new ShapeError(
      `${op}: the kernel spans ${span(kernel, dilation)} pixels but the padded ${axis} is ${extent + before + after} (${extent} + ${before} + ${after} of padding)`,
    );
  }
  const count = Math.floor((room + (ceil ? stride - 1 : 0)) / stride) + 1;
  return ceil && (count - 1) * stride >= extent + before ? count - 1 : count;
}

/** Window geometry of a whole image: what every kernel loop needs. */
export type WindowGeometry = {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pads;
  readonly dilation: Pair;
};

/** [output height, output width] */
export function windowGrid(op: string, h: number, w: number, geometry: WindowGeometry, ceil = false): Pair {
  const { kernel, stride, padding, dilation } = geometry;
  const [top, left, bottom, right] = padding;
  const rows = { stride: stride[0], before: top, after: bottom, dilation: dilation[0], ceil };
  const columns = { stride: stride[1], before: left, after: right, dilation: dilation[1], ceil };
  return [windowCount(op, 'height', h, kernel[0], rows), windowCount(op, 'width', w, kernel[1], columns)];
}
