/** Small ONNX files for the tests of the simulator's atc, written node by node, so that each can break exactly one rule. */

import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../../../onnx/src/proto/onnx_pb.ts';

export const elements = {
  float32: TensorProto_DataType.FLOAT,
  float16: TensorProto_DataType.FLOAT16,
  bfloat16: TensorProto_DataType.BFLOAT16,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  uint8: TensorProto_DataType.UINT8,
  bool: TensorProto_DataType.BOOL,
} as const;
export type Element = keyof typeof elements;

/** Name, element type, dims; a string is a dim that the model leaves open. */
export type Port = readonly [name: string, element: Element, dims: readonly (number | string)[]];

export interface NodeInput {
  readonly op: string;
  readonly name?: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | string | readonly number[]>>;
}

export interface ModelInput {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly NodeInput[];
  readonly constants?: Readonly<
    Record<
      string,
      {
        readonly element: 'float32' | 'int64';
        readonly dims: readonly number[];
        readonly values: readonly number[];
      }
    >
  >;
  /** Of ai.onnx; a list of [domain, version] for models with more than one entry. */
  readonly opset?: number | readonly (readonly [string, number])[];
}

/** The bytes of a .onnx file. Node names are `op_index` unless given. */
export function onnxFile(model: ModelInput): Uint8Array {
  const opsets = typeof model.opset === 'object' ? model.opset : [['', model.opset ?? 17] as const];
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: opsets.map(([domain, version]) => ({ domain, version: BigInt(version) })),
      graph: {
        name: 'graph',
        input: model.inputs.map(port),
        output: model.outputs.map(port),
        initializer: Object.entries(model.constants ?? {}).map(([name, { element, dims, values }]) =>
          create(TensorProtoSchema, {
            name,
            dims: dims.map(BigInt),
            dataType: elements[element],
            rawData: bytes(
              element === 'float32' ? Float32Array.from(values) : BigInt64Array.from(values, BigInt),
            ),
          }),
        ),
        node: model.nodes.map((node, i) =>
          create(NodeProtoSchema, {
            name: node.name ?? `${node.op}_${i}`,
            opType: node.op,
            domain: node.domain ?? '',
            input: [...node.inputs],
            output: [...node.outputs],
            attribute: Object.entries(node.attributes ?? {}).map(([name, value]) => attribute(name, value)),
          }),
        ),
      },
    }),
  );
}

function bytes(data: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(data.buffer);
}

function attribute(name: string, value: number | string | readonly number[]): AttributeProto {
  if (typeof value === 'string') {
    const s = new TextEncoder().encode(value);
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.STRING, s });
  }
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) });
  }
  return create(AttributeProtoSchema, {
    name,
    type: AttributeProto_AttributeType.INTS,
    ints: value.map(BigInt),
  });
}

function port([name, element, dims]: Port): ValueInfoProto {
  const dim = dims.map((each) =>
    typeof each === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(each) } }
      : { value: { case: 'dimParam' as const, value: each } },
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: elements[element], shape: { dim } } } },
  });
}
