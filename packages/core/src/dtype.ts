/**
 * Element types. What a value's bytes mean on the host and how wide they are on a device.
 *
 * Stands at the bottom of core: graph, ops and devices all speak in these names. `bool` is one byte, 0 or 1.
 * The 16-bit floats travel as raw bit patterns in a Uint16Array, because JavaScript (Node 20) has no typed array for them.
 */

export type DType = 'float32' | 'float16' | 'bfloat16' | 'int32' | 'uint32' | 'uint8' | 'bool';

export const dtypes: readonly DType[] = [
  'float32',
  'float16',
  'bfloat16',
  'int32',
  'uint32',
  'uint8',
  'bool',
];

export type HostArray = Float32Array | Uint16Array | Int32Array | Uint32Array | Uint8Array;

const bytes: Record<DType, number> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int32: 4,
  uint32: 4,
  uint8: 1,
  bool: 1,
};

/** Bytes that one element takes. */
export function byteSize(dtype: DType): number {
  return bytes[dtype];
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16';
}

/** A zero-filled host array for `size` elements of `dtype`. */
export function hostArray(dtype: DType, size: number): HostArray {
  switch (dtype) {
    case 'float32':
      return new Float32Array(size);
    case 'float16':
    case 'bfloat16':
      return new Uint16Array(size);
    case 'int32':
      return new Int32Array(size);
    case 'uint32':
      return new Uint32Array(size);
    case 'uint8':
    case 'bool':
      return new Uint8Array(size);
  }
}
