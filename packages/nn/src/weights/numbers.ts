/** The numbers of a file's tensor, of whatever dtype, as JavaScript's; and floats back into bytes of another dtype. */

import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '@omma/core';
import { type FileDType, fileByteSize, fromFloat8 } from './dtypes.ts';

/** Dtypes that a tensor of floats can be converted to. */
export type FloatDType = 'F64' | 'F32' | 'F16' | 'BF16';

const floats: ReadonlySet<FileDType> = new Set(['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2']);

export function isFloatDType(dtype: FileDType): boolean {
  return floats.has(dtype);
}

/** How element `i` of little-endian bytes is read. 64-bit integers beyond 2^53 are rounded. */
export function elementReader(dtype: FileDType, data: Uint8Array): (i: number) => number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (dtype) {
    case 'F64':
      return (i) => view.getFloat64(i * 8, true);
    case 'F32':
      return (i) => view.getFloat32(i * 4, true);
    case 'F16':
      return (i) => fromFloat16(view.getUint16(i * 2, true));
    case 'BF16':
      return (i) => fromBfloat16(view.getUint16(i * 2, true));
    case 'F8_E4M3':
      return (i) => fromFloat8(view.getUint8(i), 4, 3);
    case 'F8_E5M2':
      return (i) => fromFloat8(view.getUint8(i), 5, 2);
    case 'I64':
      return (i) => Number(view.getBigInt64(i * 8, true));
    case 'U64':
      return (i) => Number(view.getBigUint64(i * 8, true));
    case 'I32':
      return (i) => view.getInt32(i * 4, true);
    case 'U32':
      return (i) => view.getUint32(i * 4, true);
    case 'I16':
      return (i) => view.getInt16(i * 2, true);
    case 'U16':
      return (i) => view.getUint16(i * 2, true);
    case 'I8':
      return (i) => view.getInt8(i);
    case 'U8':
    case 'BOOL':
      return (i) => view.getUint8(i);
  }
}

/** `bytes` of dtype `from` as bytes of the float dtype `to`, rounded to nearest. */
export function convertFloats(from: FileDType, bytes: Uint8Array, to: FloatDType): Uint8Array {
  if (from === to) return bytes;
  const read = elementReader(from, bytes);
  const count = bytes.length / fileByteSize(from);
  const result = new Uint8Array(count * fileByteSize(to));
  const view = new DataView(result.buffer);
  for (let i = 0; i < count; i++) {
    const value = read(i);
    if (to === 'F64') view.setFloat64(i * 8, value, true);
    else if (to === 'F32') view.setFloat32(i * 4, value, true);
    else view.setUint16(i * 2, to === 'F16' ? toFloat16(value) : toBfloat16(value), true);
  }
  return result;
}
