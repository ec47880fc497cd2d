/** How reference kernels of elementwise ops walk inputs of different, broadcastable shapes. */

import type { NumericArray } from '../device/numeric.ts';
import { numericArray } from '../device/numeric.ts';
import { at, type ReferenceArray } from '../op.ts';
import type { TensorType } from '../graph/graph.ts';
import { type Shape, sameShape, sizeOf, stridesOf } from '../shape.ts';

/** For each element of `target`, the flat index of the element of `source` that broadcasts to it. */
export function broadcastIndices(source: Shape, target: Shape): Uint32Array {
  const indices = new Uint32Array(sizeOf(target));
  const offset = target.length - source.length;
  const sourceStrides = stridesOf(source);
  const targetStrides = stridesOf(target);
  for (let axis = 0; axis < source.length; axis++) {
    if (source[axis] === 1) continue;
    const stride = at(sourceStrides, axis);
    const step = at(targetStrides, axis + offset);
    const extent = at(target, axis + offset);
    for (let i = 0; i < indices.length; i++) indices[i] = (indices[i] ?? 0) + (Math.floor(i / step) % extent) * stride;
  }
  return indices;
}

/** The elements of `input` spread over `target`; the input itself when the shapes agree. */
export function spread(input: ReferenceArray, target: Shape): NumericArray {
  if (sameShape(input.shape, target)) return input.data;
  const indices = broadcastIndices(input.shape, target);
  const data = numericArray(input.dtype, indices.length);
  for (let i = 0; i < data.length; i++) data[i] = input.data[indices[i] ?? 0] ?? 0;
  return data;
}

/** A reference kernel from a function of one element an input. */
export function mapElements(fn: (...elements: number[]) => number) {
  return (inputs: readonly ReferenceArray[], _: unknown, outputs: readonly TensorType[]): NumericArray => {
    const { shape, dtype } = at(outputs, 0);
    const result = numericArray(dtype, sizeOf(shape));
    const [a, b, c] = inputs.map((input) => spread(input, shape));
    if (a === undefined) throw new Error('mapElements: an elementwise op has at least one input');
    if (c !== undefined && b !== undefined) {
      for (let i = 0; i < result.length; i++) result[i] = fn(a[i] ?? 0, b[i] ?? 0, c[i] ?? 0);
    } else if (b !== undefined) {
      for (let i = 0; i < result.length; i++) result[i] = fn(a[i] ?? 0, b[i] ?? 0);
    } else {
      for (let i = 0; i < result.length; i++) result[i] = fn(a[i] ?? 0);
    }
    return result;
  };
}
