/**
 * Shape arithmetic that every operator shares: sizes, strides, axes, broadcasting.
 */

import { ShapeError } from './errors.ts';

export type Shape = readonly number[];

/** Number of elements; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** The axis counted from the front. Throws when `axis` is outside [-rank, rank). */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError(`${op}: axis must be an integer in [${-rank}, ${rank - 1}] but is ${axis}`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Sorted, unique, non-negative axes; all axes when none are given. */
export function normalizeAxes(op: string, axes: readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const sorted = axes.map((axis) => normalizeAxis(op, axis, rank)).sort((a, b) => a - b);
  const repeated = sorted.find((axis, i) => i > 0 && sorted[i - 1] === axis);
  if (repeated !== undefined)
    throw new ShapeError(`${op}: axis ${repeated} is given twice in [${axes.join(', ')}]`);
  return sorted;
}

/** NumPy broadcasting of any number of shapes. Throws when two extents differ and neither is 1. */
export function broadcastShapes(op: string, ...shapes: Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const axis = rank - shape.length + i;
      const extent = shape[i] ?? 1;
      const known = result[axis] ?? 1;
      if (extent === 1 || extent === known) continue;
      if (known !== 1) {
        throw new ShapeError(
          `${op}: shapes ${shapes.map(formatShape).join(' and ')} do not broadcast at axis ${axis}`,
        );
      }
      result[axis] = extent;
    }
  }
  return result;
}

/** Shape after reducing `axes` (sorted, non-negative). */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  const result: number[] = [];
  shape.forEach((extent, axis) => {
    if (!axes.includes(axis)) result.push(extent);
    else if (keepDims) result.push(1);
  });
  return result;
}
