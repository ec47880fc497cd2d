/**
 * The bytes of an ONNX file as checked plain data: nodes, stored tensors, ports. The first stage of the importer.
 *
 * Nothing in the file is trusted: every size is compared with the bytes that are there before anything is allocated for it.
 * Element types that Omma lacks are widened or narrowed on the way in: float16, bfloat16 and float64 become float32, every integer type
 * but uint8 and uint32 becomes a whole number in float64, which holds 2^53 exactly.
 */

import { fromBinary } from '@bufbuild/protobuf';
import { fromBfloat16, fromFloat16, OmmaError, type Shape, sizeOf } from '@omma/core';
import { attributeValue } from '../attributeValue.ts';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  type ValueInfoProto,
} from '../proto/onnx_pb.ts';

/** What an element is, once imported. */
export type StoredType = 'float32' | 'integer' | 'bool';

/** Numbers of the file. Integers are whole numbers, truth values 0 and 1. */
export interface Stored {
  readonly shape: Shape;
  readonly type: StoredType;
  readonly data: Float32Array | Float64Array;
}

export type StoredAttribute = number | string | readonly number[] | readonly string[] | Stored;

export interface FileNode {
  readonly type: string;
  /** Its own name, or one made of its operator and place. */
  readonly name: string;
  /** Names of values; '' for an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, StoredAttribute>;
}

export interface FilePort {
  readonly name: string;
  /** Extents; a name or null where the file leaves one open. Null: not even the rank is known. */
  readonly shape: readonly (number | string | null)[] | null;
  readonly type: StoredType;
}

export interface OnnxFile {
  readonly opset: number;
  readonly producer: string;
  readonly nodes: readonly FileNode[];
  readonly stored: ReadonlyMap<string, Stored>;
  readonly inputs: readonly FilePort[];
  readonly outputs: readonly FilePort[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Gives the bytes of a file beside the model that holds large tensors; `location` is as the model names it. */
export type ExternalData = (location: string) => Uint8Array;

/** The range of operator sets whose meaning the importer knows. */
export const importedOpsets = { from: 7, to: 21 } as const;

/** Reads and checks a model. Throws OmmaError in one line for what is damaged or of another kind. */
export function readOnnxFile(bytes: Uint8Array, externalData: ExternalData | null): OnnxFile {
  const model = decode(bytes);
  const graph = model.graph;
  if (graph === undefined || graph.node.length === 0) fail('the file holds no graph');
  if (model.functions.length > 0)
    fail('the model defines functions of its own; inline them first (onnx.inliner)');
  const opset = opsetOf(model);
  return {
    opset,
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    nodes: nodesOf(graph, externalData),
    stored: new Map(
      graph.initializer.map((tensor) => [
        tensor.name,
        readTensor(tensor, `initializer ${tensor.name}`, externalData),
      ]),
    ),
    inputs: graph.input.map(readPort),
    outputs: graph.output.map(readPort),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
  };
}

function fail(message: string): never {
  throw new OmmaError(`importOnnx: ${message}`);
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(`the file is not an ONNX model, or is damaged (${reason}, ${bytes.length} bytes)`);
  }
}

function opsetOf(model: ModelProto): number {
  const own = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  if (own === undefined) fail('the file names no operator set; it is not an ONNX model');
  const opset = Number(own.version);
  const { from, to } = importedOpsets;
  if (opset < from || opset > to)
    fail(`operator sets ${from} to ${to} are known but the model uses ${opset}`);
  return opset;
}

/** Nodes in file order, which must be an order of computation; every name is made once and before it is used. */
function nodesOf(graph: GraphProto, externalData: ExternalData | null): FileNode[] {
  if (graph.sparseInitializer.length > 0) fail('sparse initializers are not supported; store them dense');
  const made = new Set([
    '',
    ...graph.initializer.map(({ name }) => name),
    ...graph.input.map(({ name }) => name),
  ]);
  const nodes = graph.node.map((node, index) => {
    const name = node.name === '' ? `${node.opType}_${index}` : node.name;
    if (node.domain !== '' && node.domain !== 'ai.onnx')
      fail(`node ${name}: operator ${node.opType} of domain ${node.domain} is not of the ONNX standard`);
    const missing = node.input.find((input) => !made.has(input));
    if (missing !== undefined) fail(`node ${name}: nothing before it makes its input ${missing}`);
    for (const output of node.output) {
      if (output !== '' && made.has(output)) fail(`node ${name}: ${output} is made twice`);
      made.add(output);
    }
    return {
      type: node.opType,
      name,
      inputs: node.input,
      outputs: node.output,
      attributes: readAttributes(node, name, externalData),
    };
  });
  const unmade = graph.output.find(({ name }) => !made.has(name));
  if (unmade !== undefined) fail(`no node makes the model's output ${unmade.name}`);
  return nodes;
}

function readAttributes(
  node: NodeProto,
  name: string,
  externalData: ExternalData | null,
): Map<string, StoredAttribute> {
  return new Map(
    node.attribute.map((attribute) => [attribute.name, readAttribute(attribute, name, externalData)]),
  );
}

function readAttribute(
  attribute: AttributeProto,
  node: string,
  externalData: ExternalData | null,
): StoredAttribute {
  return attributeValue(attribute, {
    tensor: (value) => readTensor(value, `node ${node}`, externalData),
    other: ({ name, type }) =>
      fail(
        type === AttributeProto_AttributeType.TENSOR
          ? `node ${node}: its attribute ${name} is empty`
          : `node ${node}: attribute ${name} is of kind ${AttributeProto_AttributeType[type]}; control flow is not imported`,
      ),
  });
}

function readPort(info: ValueInfoProto): FilePort {
  const kind = info.type?.value;
  if (kind?.case !== 'tensorType') return fail(`input or output ${info.name} is not a tensor`);
  const shape = kind.value.shape?.dim.map(({ value }) => {
    if (value.case === 'dimValue') return Number(value.value);
    return value.case === 'dimParam' && value.value !== '' ? value.value : null;
  });
  return { name: info.name, shape: shape ?? null, type: storedType(kind.value.elemType, info.name) };
}

function storedType(type: number, what: string): StoredType {
  if (type === TensorProto_DataType.BOOL) return 'bool';
  const known = formats.get(type);
  if (known !== undefined) return known.float ? 'float32' : 'integer';
  return fail(`${what}: element type ${TensorProto_DataType[type] ?? type} is not supported`);
}

/** How the elements of a type lie in raw bytes (little endian, as ONNX prescribes) and in the typed fields. */
interface Format {
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

const formats = new Map<number, Format>([
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

function readTensor(tensor: TensorProto, what: string, externalData: ExternalData | null): Stored {
  const type = storedType(tensor.dataType, what);
  const format = formats.get(tensor.dataType);
  if (format === undefined) throw new Error(`readTensor: no format for ${type}`);
  const shape = tensor.dims.map(Number);
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    fail(`${what}: its shape [${shape.join(', ')}] is damaged`);
  const size = sizeOf(shape);
  const numbers = (count: number) => (format.float ? new Float32Array(count) : new Float64Array(count));
  const raw = rawBytes(tensor, what, externalData);
  if (raw !== null) {
    if (raw.length !== size * format.bytes)
      fail(
        `${what}: shape [${shape.join(', ')}] needs ${size * format.bytes} bytes but the file has ${raw.length}`,
      );
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    const data = numbers(size);
    for (let i = 0; i < size; i++) data[i] = format.read(view, i * format.bytes);
    return { shape, type, data };
  }
  const field = format.field(tensor);
  if (field.length !== size)
    fail(`${what}: shape [${shape.join(', ')}] needs ${size} numbers but the file has ${field.length}`);
  const decodeBits = format.decode ?? Number;
  const data = numbers(size);
  field.forEach((value, i) => {
    data[i] = decodeBits(Number(value));
  });
  return { shape, type, data };
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
