/** Numbers on their way between the host's arrays (by dtype) and what a runtime or a chip works on (by element). */

import { type DType, fromNumeric, type HostArray, type HostTensor, hostArray, toNumeric } from '@omma/core';
import { type ElementType, elementBytes } from './element.ts';

export type ElementArray = HostArray | BigInt64Array;

/** `size` zeros. */
export function elementArray(element: ElementType, size: number): ElementArray {
  return element === 'int64' ? new BigInt64Array(size) : hostArray(element, size);
}

/** Bytes that one element takes. */
export function elementSize(element: ElementType): number {
  return elementArray(element, 1).BYTES_PER_ELEMENT;
}

/** `size` elements of a buffer, in place. */
export function elementView(
  element: ElementType,
  buffer: ArrayBufferLike,
  byteOffset: number,
  size: number,
): ElementArray {
  switch (element) {
    case 'float32':
      return new Float32Array(buffer, byteOffset, size);
    case 'float16':
    case 'bfloat16':
      return new Uint16Array(buffer, byteOffset, size);
    case 'int32':
      return new Int32Array(buffer, byteOffset, size);
    case 'int64':
      return new BigInt64Array(buffer, byteOffset, size);
    case 'uint32':
      return new Uint32Array(buffer, byteOffset, size);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer, byteOffset, size);
  }
}

/** A host tensor's numbers in `element`: its own array where dtype and element agree. */
export function toElements(tensor: HostTensor, element: ElementType): ElementArray {
  const { buffer, byteOffset, byteLength } = elementBytes(tensor, element);
  return elementView(element, buffer, byteOffset, byteLength / elementSize(element));
}

/** The reverse of `toElements`: `array` itself where element and dtype agree. */
export function fromElements(array: ElementArray, element: ElementType, dtype: DType): HostArray {
  if (array instanceof BigInt64Array) return fromNumeric(dtype, Float64Array.from(array, Number));
  return element === dtype || element === 'int64' ? array : fromNumeric(dtype, toNumeric(element, array));
}
