/** Small ONNX files for the importer's tests, written field by field, so that they are independent of the exporter. */

import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataType,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from '../../src/proto/onnx_pb.ts';

export type TestAttribute = number | string | readonly number[] | { readonly float: number };

export interface TestTensor {
  readonly shape: readonly number[];
  readonly type?: 'float' | 'int64' | 'bool';
  readonly data: readonly number[];
}

export interface TestNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, TestAttribute>>;
}

export interface TestModel {
  readonly opset: number;
  readonly nodes: readonly TestNode[];
  readonly stored?: Readonly<Record<string, TestTensor>>;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly outputs: readonly string[];
}

const elementTypes = {
  float: TensorProto_DataType.FLOAT,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
};

export function modelBytes({ opset, nodes, stored = {}, inputs, outputs }: TestModel): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    graph: {
      name: 'test',
      node: nodes.map(nodeInit),
      initializer: Object.entries(stored).map(([name, tensor]) => tensorInit(name, tensor)),
      input: Object.entries(inputs).map(([name, shape]) => portInit(name, shape)),
      output: outputs.map((name) => portInit(name, null)),
    },
  });
  return toBinary(ModelProtoSchema, model);
}

function nodeInit({
  type,
  inputs,
  outputs,
  attributes = {},
}: TestNode): MessageInitShape<typeof NodeProtoSchema> {
  return {
    opType: type,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => ({ name, ...attributeInit(value) })),
  };
}

function attributeInit(value: TestAttribute): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'number') return { type: Kind.INT, i: BigInt(value) };
  if (typeof value === 'string') return { type: Kind.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { type: Kind.FLOAT, f: value.float };
  const whole = value.every((element) => Number.isInteger(element));
  return whole ? { type: Kind.INTS, ints: value.map(BigInt) } : { type: Kind.FLOATS, floats: [...value] };
}

function tensorInit(
  name: string,
  { shape, type = 'float', data }: TestTensor,
): MessageInitShape<typeof TensorProtoSchema> {
  const fields =
    type === 'float'
      ? { floatData: [...data] }
      : type === 'int64'
        ? { int64Data: data.map(BigInt) }
        : { int32Data: [...data] };
  return { name, dims: shape.map(BigInt), dataType: elementTypes[type], ...fields };
}

function portInit(
  name: string,
  shape: readonly number[] | null,
): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dims = shape?.map((extent) => ({ value: { case: 'dimValue' as const, value: BigInt(extent) } }));
  return {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: { elemType: elementTypes.float, ...(dims === undefined ? {} : { shape: { dim: dims } }) },
      },
    },
  };
}
