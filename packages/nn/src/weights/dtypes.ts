/** The dtypes of weight files, and what becomes of them here. */

import { type DType, type HostArray, type HostTensor, hostArray, hostTensor, OmmaError } from '@omma/core';

/** A dtype as safetensors spells it. */
export type FileDType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL';

const bytes: Readonly<Record<FileDType, number>> = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

const names: Readonly<Record<DType, FileDType>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int32: 'I32',
  uint32: 'U32',
  uint8: 'U8',
  bool: 'BOOL',
};

export function isFileDType(name: string): name is FileDType {
  return Object.hasOwn(bytes, name);
}

export function fileDTypes(): string[] {
  return Object.keys(bytes);
}

export function fileByteSize(dtype: FileDType): number {
  return bytes[dtype];
}

export function fileDType(dtype: DType): FileDType {
  return names[dtype];
}

/** One tensor of a file: its raw little-endian bytes. */
export interface FileTensor {
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * A file's tensor as host numbers. Dtypes that Omma has stay as they are; F64 and the 8-bit floats become float32, other integers
 * int32 (refused where they do not fit).
 */
export function toHostTensor(name: string, { dtype, shape, bytes: data }: FileTensor): HostTensor {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const count = data.byteLength / bytes[dtype];
  const read = (type: DType, element: (i: number) => number): HostTensor => {
    const array = hostArray(type, count);
    for (let i = 0; i < count; i++) array[i] = element(i);
    return hostTensor(shape, type, array);
  };
  const asInt32 = (element: (i: number) => number | bigint) =>
    read('int32', (i) => {
      const value = Number(element(i));
      if (value === (value | 0)) return value;
      throw new OmmaError(`tensor ${name} holds ${value}, which does not fit int32; convert the file`);
    });
  switch (dtype) {
    case 'F32':
      return hostTensor(shape, 'float32', copied(data, new Float32Array(count)));
    case 'F16':
      return hostTensor(shape, 'float16', copied(data, new Uint16Array(count)));
    case 'BF16':
      return hostTensor(shape, 'bfloat16', copied(data, new Uint16Array(count)));
    case 'I32':
      return hostTensor(shape, 'int32', copied(data, new Int32Array(count)));
    case 'U32':
      return hostTensor(shape, 'uint32', copied(data, new Uint32Array(count)));
    case 'U8':
      return hostTensor(shape, 'uint8', copied(data, new Uint8Array(count)));
    case 'BOOL':
      return hostTensor(shape, 'bool', copied(data, new Uint8Array(count)));
    case 'F64':
      return read('float32', (i) => view.getFloat64(i * 8, true));
    case 'I64':
      return asInt32((i) => view.getBigInt64(i * 8, true));
    case 'U64':
      return asInt32((i) => view.getBigUint64(i * 8, true));
    case 'I16':
      return asInt32((i) => view.getInt16(i * 2, true));
    case 'U16':
      return asInt32((i) => view.getUint16(i * 2, true));
    case 'I8':
      return asInt32((i) => view.getInt8(i));
    case 'F8_E4M3':
      return read('float32', (i) => fromFloat8(view.getUint8(i), 4, 3));
    case 'F8_E5M2':
      return read('float32', (i) => fromFloat8(view.getUint8(i), 5, 2));
  }
}

/** `bytes` copied into `target`: files align nothing, typed arrays must be. */
function copied<A extends HostArray>(source: Uint8Array, target: A): A {
  new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(source);
  return target;
}

/** An 8-bit float. E5M2 has infinities; E4M3 has only NaN, as all ones. */
export function fromFloat8(pattern: number, exponentBits: number, fractionBits: number): number {
  const sign = pattern & 0x80 ? -1 : 1;
  const top = (1 << exponentBits) - 1;
  const exponent = (pattern >> fractionBits) & top;
  const fraction = pattern & ((1 << fractionBits) - 1);
  const bias = (1 << (exponentBits - 1)) - 1;
  if (exponentBits === 5 && exponent === top)
    return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponentBits === 4 && exponent === top && fraction === 7) return Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction * 2 ** -fractionBits) * 2 ** (exponent - bias);
}
