/**
 * Element types as ONNX files have them, and how Omma's dtypes are held in them.
 *
 * ONNX counts in 64 bits where Omma counts in 32, and a runtime may lack a dtype altogether, so a value's dtype (what it means) and
 * its element (how it is stored) are two things; the dialect maps one to the other.
 */

import {
  type DType,
  fromBfloat16,
  fromFloat16,
  type HostArray,
  type HostTensor,
  toBfloat16,
  toFloat16,
} from '@omma/core';
import { TensorProto_DataType } from './proto/onnx_pb.ts';

export type ElementType = DType | 'int64';

const codes: Readonly<Record<ElementType, TensorProto_DataType>> = {
  float32: TensorProto_DataType.FLOAT,
  float16: TensorProto_DataType.FLOAT16,
  bfloat16: TensorProto_DataType.BFLOAT16,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  uint32: TensorProto_DataType.UINT32,
  uint8: TensorProto_DataType.UINT8,
  bool: TensorProto_DataType.BOOL,
};

/** The number that ONNX gives an element type. */
export function elementCode(element: ElementType): TensorProto_DataType {
  return codes[element];
}

/** Whether Omma has a use for values of this ONNX type. */
export function isElementType(type: string): type is ElementType {
  return type in codes;
}

/** A tensor's bytes in `element`, little-endian and row-major, as initializers and device buffers hold them. */
export function elementBytes({ dtype, data }: HostTensor, element: ElementType): Uint8Array {
  return viewBytes(converted(data, dtype, element));
}

function converted(data: HostArray, from: DType, to: ElementType): HostArray | BigInt64Array {
  if (from === to) return data;
  if (to === 'int64') return BigInt64Array.from(data, BigInt);
  if (to === 'float32') {
    if (from === 'bfloat16') return Float32Array.from(data, fromBfloat16);
    if (from === 'float16') return Float32Array.from(data, fromFloat16);
    return Float32Array.from(data);
  }
  if (to === 'float16') return Uint16Array.from(toFloat(data, from), toFloat16);
  if (to === 'bfloat16') return Uint16Array.from(toFloat(data, from), toBfloat16);
  if (to === 'int32') return Int32Array.from(data);
  if (to === 'uint32') return Uint32Array.from(data);
  return Uint8Array.from(data);
}

function toFloat(data: HostArray, from: DType): Float32Array {
  if (from === 'bfloat16') return Float32Array.from(data, fromBfloat16);
  return from === 'float16' ? Float32Array.from(data, fromFloat16) : Float32Array.from(data);
}

function viewBytes({ buffer, byteOffset, byteLength }: HostArray | BigInt64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
