/** The numbers of a tensor that is stored in an ONNX file: what the importer and the inspection of foreign files have in common. */

import { fromBfloat16, fromFloat16 } from '@omma/core';
import { type TensorProto, TensorProto_DataType } from './proto/onnx_pb.ts';

/** How the elements of a type lie in raw bytes (little endian, as ONNX prescribes) and in the typed fields. */
export interface TensorFormat {
  readonly bytes: number;
  readonly float: boolean;
  readonly read: (view: DataView, offset: number) => number;
  readonly field: (tensor: TensorProto) => readonly (number | bigint)[];
  /** Numbers of the typed field that are bit patterns. */
  readonly decode?: (bits: number) => number;
}

const int32Field = ({ int32Data }: TensorProto) => int32Data;
const { FLOAT, DOUBLE, FLOAT16, BFLOAT16, INT64, INT32, INT16, INT8, UINT8, UINT16, UINT32, UINT64, BOOL } =
  TensorProto_DataType;

const formats = new Map<number, TensorFormat>([
  [FLOAT, { bytes: 4, float: true, read: (v, o) => v.getFloat32(o, true), field: (t) => t.floatData }],
  [DOUBLE, { bytes: 8, float: true, read: (v, o) => v.getFloat64(o, true), field: (t) => t.doubleData }],
  [
    FLOAT16,
    {
      bytes: 2,
      float: true,
      read: (v, o) => fromFloat16(v.getUint16(o, true)),
      field: int32Field,
      decode: fromFloat16,
    },
  ],
  [
    BFLOAT16,
    {
      bytes: 2,
      float: true,
      read: (v, o) => fromBfloat16(v.getUint16(o, true)),
      field: int32Field,
      decode: fromBfloat16,
    },
  ],
  [
    INT64,
    { bytes: 8, float: false, read: (v, o) => Number(v.getBigInt64(o, true)), field: (t) => t.int64Data },
  ],
  [
    UINT64,
    { bytes: 8, float: false, read: (v, o) => Number(v.getBigUint64(o, true)), field: (t) => t.uint64Data },
  ],
  [UINT32, { bytes: 4, float: false, read: (v, o) => v.getUint32(o, true), field: (t) => t.uint64Data }],
  [INT32, { bytes: 4, float: false, read: (v, o) => v.getInt32(o, true), field: int32Field }],
  [INT16, { bytes: 2, float: false, read: (v, o) => v.getInt16(o, true), field: int32Field }],
  [UINT16, { bytes: 2, float: false, read: (v, o) => v.getUint16(o, true), field: int32Field }],
  [INT8, { bytes: 1, float: false, read: (v, o) => v.getInt8(o), field: int32Field }],
  [UINT8, { bytes: 1, float: false, read: (v, o) => v.getUint8(o), field: int32Field }],
  [BOOL, { bytes: 1, float: false, read: (v, o) => (v.getUint8(o) === 0 ? 0 : 1), field: int32Field }],
]);

/** The format of an element type, by its number in the file; undefined for types that are no numbers of at most 64 bits. */
export function tensorFormat(dataType: number): TensorFormat | undefined {
  return formats.get(dataType);
}

/** As many numbers as `raw` has, or the typed field where that is null. Floats as float32, integers as float64, which holds 2^53 exactly. */
export function tensorNumbers(
  format: TensorFormat,
  tensor: TensorProto,
  raw: Uint8Array | null,
): Float32Array | Float64Array {
  const numbers = (count: number) => (format.float ? new Float32Array(count) : new Float64Array(count));
  if (raw === null) {
    const field = format.field(tensor);
    const { decode = Number } = format;
    const data = numbers(field.length);
    field.forEach((value, i) => {
      data[i] = decode(Number(value));
    });
    return data;
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = numbers(Math.floor(raw.length / format.bytes));
  for (let i = 0; i < data.length; i++) data[i] = format.read(view, i * format.bytes);
  return data;
}
