/** What reductions share: shapes, walking the elements of each group, options. */

import { numericArray } from '../../device/numeric.ts';
import { isFloat } from '../../dtype.ts';
import type { TensorType } from '../../graph/graph.ts';
import { at, type ReferenceArray } from '../../op.ts';
import { normalizeAxes, reducedShape, type Shape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { broadcastIndices } from '../broadcast.ts';
import { reshape } from '../view/reshape.ts';

export type Reduction = { axes: readonly number[]; keepDims: boolean };

export interface ReductionOptions {
  /** Axes to reduce, negative ones from the back; all unless given. */
  readonly axes?: readonly number[];
  /** Keep reduced axes with extent 1. */
  readonly keepDims?: boolean;
}

export function reductionAttributes(
  op: string,
  x: Tensor,
  { axes, keepDims = false }: ReductionOptions,
): Reduction {
  return { axes: normalizeAxes(op, axes, x.rank), keepDims };
}

export function reducedType(x: TensorType, { axes, keepDims }: Reduction): TensorType {
  return { shape: reducedShape(x.shape, axes, keepDims), dtype: x.dtype };
}

/** For each element of `shape`, the flat index of its group when `axes` are reduced. */
export function groupIndices(shape: Shape, axes: readonly number[]): Uint32Array {
  return broadcastIndices(reducedShape(shape, axes, true), shape);
}

/** A reference kernel that folds each group with `step`, from `start`; `finish` sees the total and the group's size. */
export function foldGroups(
  start: number,
  step: (total: number, x: number) => number,
  finish = (total: number, _size: number) => total,
) {
  return (inputs: readonly ReferenceArray[], { axes }: Reduction, outputs: readonly TensorType[]) => {
    const { shape, data } = at(inputs, 0);
    const { dtype, shape: reduced } = at(outputs, 0);
    const groups = groupIndices(shape, axes);
    // In float64 for whole numbers too, which have no infinity to start from.
    const result = new Float64Array(reduced.reduce((a, b) => a * b, 1)).fill(start);
    for (let i = 0; i < data.length; i++) {
      const group = groups[i] ?? 0;
      result[group] = step(result[group] ?? 0, data[i] ?? 0);
    }
    const size = axes.reduce((product, axis) => product * at(shape, axis), 1);
    for (let i = 0; i < result.length; i++) result[i] = finish(result[i] ?? 0, size);
    if (isFloat(dtype)) return result;
    const whole = numericArray(dtype, result.length);
    whole.set(result);
    return whole;
  };
}

/** `y`, reduced over `axes` of `shape` with or without them kept, with the axes there as extent 1: ready to broadcast. */
export function withReducedAxes(y: Tensor, shape: Shape, { axes }: Reduction): Tensor {
  return reshape(y, reducedShape(shape, axes, true));
}
