/** What ops share whose places come from data: checks of indices, and lines along an axis. */

import { OmmaError, ShapeError } from '../../errors.ts';
import type { TensorType } from '../../graph/graph.ts';
import { at } from '../../op.ts';
import { formatShape, type Shape, stridesOf } from '../../shape.ts';
import { typedInput } from '../check.ts';

export type Axis = { axis: number };

/** The indices of an op: an int32 input. */
export function indexInput(op: string, inputs: readonly TensorType[], index = 1): TensorType {
  return typedInput(op, inputs, index, 'indices', 'int32');
}

/** Throws when an index lies outside of [0, extent): for reference kernels, which see the numbers. */
export function checkedIndex(op: string, index: number | undefined, extent: number): number {
  if (index !== undefined && index >= 0 && index < extent) return index;
  throw new OmmaError(`${op}: index ${index} lies outside of [0, ${extent})`);
}

/** Throws unless `indices` has the rank of `whole` and is not longer along any axis but `axis`. */
export function requireWithin(op: string, whole: Shape, indices: Shape, axis: number): void {
  const fits =
    indices.length === whole.length &&
    axis < whole.length &&
    indices.every((extent, i) => i === axis || extent <= (whole[i] ?? 0));
  if (fits) return;
  throw new ShapeError(
    `${op}: indices ${formatShape(indices)} must have the rank of x ${formatShape(whole)} and not exceed it except along axis ${axis}`,
  );
}

/** Stride and extent of `shape` along `axis`. */
export function lineAlong(shape: Shape, axis: number): { stride: number; extent: number } {
  return { stride: at(stridesOf(shape), axis), extent: at(shape, axis) };
}
