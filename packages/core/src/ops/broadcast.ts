/** How reference kernels of elementwise ops walk inputs of different, broadcastable shapes. */

import type { NumericArray } from '../device/numeric.ts';
import { numericArray } from '../device/numeric.ts';
import type { TensorType } from '../graph/graph.ts';
import { at, type ReferenceArray } from '../op.ts';
import { type Shape, sameShape, sizeOf, stridesOf } from '../shape.ts';
import { stridedIndices, take } from './strided.ts';

/** For each element of `target`, the flat index of the element of `source` that broadcasts to it. */
export function broadcastIndices(source: Shape, target: Shape): Uint32Array {
  const offset = target.length - source.length;
  const strides = stridesOf(source);
  return stridedIndices(
    target,
    target.map((_, axis) => (axis < offset || source[axis - offset] === 1 ? 0 : at(strides, axis - offset))),
  );
}

/** The elements of `input` spread over `target`; the input itself when the shapes agree. */
export function spread(input: ReferenceArray, target: Shape): NumericArray {
  return sameShape(input.shape, target) ? input.data : take(input, broadcastIndices(input.shape, target));
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
