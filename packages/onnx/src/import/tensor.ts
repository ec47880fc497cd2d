/** Tensors that are stored in a model or beside it, checked and as the importer computes with them. */

import { OmmaError, type Shape, sizeOf } from '@omma/core';
import { type TensorProto, TensorProto_DataLocation, TensorProto_DataType } from '../proto/onnx_pb.ts';
import { tensorFormat, tensorNumbers } from '../tensorNumbers.ts';

/** What an element is, once imported. */
export type StoredType = 'float32' | 'integer' | 'bool';

/** Numbers of the file. Integers are whole numbers, truth values 0 and 1. */
export interface Stored {
  readonly shape: Shape;
  readonly type: StoredType;
  readonly data: Float32Array | Float64Array;
}

/** Gives the bytes of a file beside the model that holds large tensors; `location` is as the model names it. */
export type ExternalData = (location: string) => Uint8Array;

/** For whatever is wrong with a file. */
export function fail(message: string): never {
  throw new OmmaError(`importOnnx: ${message}`);
}

export function storedType(type: number, what: string): StoredType {
  if (type === TensorProto_DataType.BOOL) return 'bool';
  const known = tensorFormat(type);
  if (known !== undefined) return known.float ? 'float32' : 'integer';
  return fail(`${what}: element type ${TensorProto_DataType[type] ?? type} is not supported`);
}

/** Throws OmmaError when the shape and the numbers that are there disagree; nothing is allocated before. */
export function readTensor(tensor: TensorProto, what: string, externalData: ExternalData | null): Stored {
  const type = storedType(tensor.dataType, what);
  const format = tensorFormat(tensor.dataType);
  if (format === undefined) throw new Error(`readTensor: no format for ${type}`);
  const shape = tensor.dims.map(Number);
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    fail(`${what}: its shape [${shape.join(', ')}] is damaged`);
  const raw = rawBytes(tensor, what, externalData);
  const [unit, needed, found] =
    raw === null
      ? ['numbers', sizeOf(shape), format.field(tensor).length]
      : ['bytes', sizeOf(shape) * format.bytes, raw.length];
  if (found !== needed)
    fail(`${what}: shape [${shape.join(', ')}] needs ${needed} ${unit} but the file has ${found}`);
  return { shape, type, data: tensorNumbers(format, tensor, raw) };
}

/** The tensor's raw bytes, from the model or from the file beside it; null when it has typed fields instead. */
function rawBytes(tensor: TensorProto, what: string, externalData: ExternalData | null): Uint8Array | null {
  if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL)
    return tensor.rawData.length > 0 ? tensor.rawData : null;
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  if (externalData === null)
    return fail(`${what}: its numbers lie in the file ${location}; pass externalData to read it`);
  const file = externalData(location);
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? file.length - offset);
  if (!(offset >= 0 && length >= 0 && offset + length <= file.length))
    fail(
      `${what}: bytes ${offset} to ${offset + length} are outside of ${location}, which has ${file.length}`,
    );
  return file.subarray(offset, offset + length);
}
