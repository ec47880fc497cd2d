/** Strided walks: how kernels that move elements (transpose, slice, flip, broadcasting) find where each one comes from. */

import { type NumericArray, numericArray } from '../device/numeric.ts';
import { at, type ReferenceArray } from '../op.ts';
import { type Shape, sizeOf } from '../shape.ts';

/** For each element of a tensor of `shape`, row-major: `offset` plus the sum of its coordinates times `strides`. */
export function stridedIndices(shape: Shape, strides: readonly number[], offset = 0): Uint32Array {
  const indices = new Uint32Array(sizeOf(shape));
  if (indices.length === 0) return indices;
  indices[0] = offset;
  let filled = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = at(shape, axis);
    const stride = at(strides, axis);
    for (let k = 1; k < extent; k++) {
      const start = k * filled;
      for (let j = 0; j < filled; j++) indices[start + j] = (indices[j] ?? 0) + k * stride;
    }
    filled *= extent;
  }
  return indices;
}

/** The elements of `input` at `indices`. */
export function take(input: ReferenceArray, indices: Uint32Array): NumericArray {
  const { data } = input;
  const result = numericArray(input.dtype, indices.length);
  for (let i = 0; i < result.length; i++) result[i] = data[indices[i] ?? 0] ?? 0;
  return result;
}
