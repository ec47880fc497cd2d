/**
 * Grows one ONNX model: nodes, initializers, ports, and the names that connect them. Rules write through it.
 *
 * The last stage of the exporter: what comes out of `finish` are the bytes of a .onnx file.
 */

import { create, toBinary } from '@bufbuild/protobuf';
import type { DType, HostTensor } from '@omma/core';
import { type Dimensions, dimensionName } from './dimensions.ts';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './proto/onnx_pb.ts';

/** The operator sets that can be written, each with the file format version of its time. */
export const opsets = { 13: 7n, 17: 8n } as const;
export type Opset = keyof typeof opsets;

const elementTypes: Record<DType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  float16: TensorProto_DataType.FLOAT16,
  bfloat16: TensorProto_DataType.BFLOAT16,
  int32: TensorProto_DataType.INT32,
  uint32: TensorProto_DataType.UINT32,
  uint8: TensorProto_DataType.UINT8,
  bool: TensorProto_DataType.BOOL,
};

/** The number that ONNX gives an element type. */
export function elementType(dtype: DType | 'int64'): number {
  return dtype === 'int64' ? TensorProto_DataType.INT64 : elementTypes[dtype];
}

/** An attribute as rules write it. Plain numbers are integers; `{ float }` marks the other kind, which looks the same in JavaScript. */
export type AttributeInput = number | string | readonly number[] | { readonly float: number };

export class ModelBuilder {
  readonly opset: Opset;
  readonly #nodes: NodeProto[] = [];
  readonly #initializers = new Map<string, TensorProto>();
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #taken = new Set<string>();
  readonly #renamed = new Map<string, string>();
  readonly #literals = new Map<string, string>();

  constructor(opset: Opset) {
    this.opset = opset;
  }

  input(name: string, dtype: DType, dimensions: Dimensions): void {
    this.#taken.add(name);
    this.#inputs.push(port(name, dtype, dimensions));
  }

  /** Declares output `name`: the value `source`, which takes that name where a node makes it, or a copy of it. */
  output(name: string, source: string, dtype: DType, dimensions: Dimensions): void {
    this.#outputs.push(port(name, dtype, dimensions));
    const made = this.#nodes.some((node) => node.output.includes(source));
    if (made && !this.#renamed.has(source)) this.#renamed.set(source, name);
    else this.#append('Identity', [source], {}, [name], '');
  }

  /** Keeps `name` for an output, so that no intermediate value takes it. */
  reserve(name: string): void {
    this.#taken.add(name);
  }

  /** Adds a node and returns the names of its outputs. Empty input names stand for inputs left out. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>>,
    scope: string,
    outputCount = 1,
  ): string[] {
    const base = scope === '' ? opType : `${scope}/${opType}`;
    const outputs = Array.from({ length: outputCount }, (_, i) =>
      this.#unique(i === 0 ? base : `${base}:${i}`),
    );
    this.#append(opType, inputs, attributes, outputs, scope);
    return outputs;
  }

  /** An initializer under a name of its own: a weight. */
  weight(name: string, tensor: HostTensor): void {
    this.#taken.add(name);
    this.#initializers.set(
      name,
      create(TensorProtoSchema, {
        name,
        dims: tensor.shape.map(BigInt),
        dataType: elementTypes[tensor.dtype],
        rawData: new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength),
      }),
    );
  }

  /** The name of an initializer with these numbers; equal ones are shared. */
  literal(tensor: HostTensor): string {
    const { dtype, shape, data } = tensor;
    const key = data.length <= 64 ? `${dtype}[${shape.join()}]${data.join()}` : null;
    const known = key === null ? undefined : this.#literals.get(key);
    if (known !== undefined) return known;
    const name = this.#unique('constant');
    this.weight(name, tensor);
    if (key !== null) this.#literals.set(key, name);
    return name;
  }

  /** The name of an initializer with 64-bit integers: shapes, axes, starts and ends. A vector unless `scalar`. */
  integers(values: readonly (number | bigint)[], scalar = false): string {
    const key = `int64${scalar ? '' : '[]'}${values.join()}`;
    const known = this.#literals.get(key);
    if (known !== undefined) return known;
    const name = this.#unique('constant');
    const data = BigInt64Array.from(values, BigInt);
    this.#initializers.set(
      name,
      create(TensorProtoSchema, {
        name,
        dims: scalar ? [] : [BigInt(values.length)],
        dataType: TensorProto_DataType.INT64,
        rawData: new Uint8Array(data.buffer),
      }),
    );
    this.#literals.set(key, name);
    return name;
  }

  /** The file's bytes. Initializers that no node reads are left out. */
  finish(graphName: string, producerVersion: string, metadata: Readonly<Record<string, string>>): Uint8Array {
    for (const node of this.#nodes) {
      node.input = node.input.map((name) => this.#renamed.get(name) ?? name);
      node.output = node.output.map((name) => this.#renamed.get(name) ?? name);
    }
    const used = new Set(this.#nodes.flatMap((node) => node.input));
    const model = create(ModelProtoSchema, {
      irVersion: opsets[this.opset],
      opsetImport: [{ domain: '', version: BigInt(this.opset) }],
      producerName: 'omma',
      producerVersion,
      metadataProps: Object.entries(metadata).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
      graph: {
        name: graphName,
        node: this.#nodes,
        initializer: [...this.#initializers.values()].filter((tensor) => used.has(tensor.name)),
        input: this.#inputs,
        output: this.#outputs,
      },
    });
    return toBinary(ModelProtoSchema, model);
  }

  #append(
    opType: string,
    input: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>>,
    output: string[],
    scope: string,
  ): void {
    const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value));
    const name = `${scope === '' ? '' : `${scope}/`}${opType}_${this.#nodes.length}`;
    this.#nodes.push(create(NodeProtoSchema, { name, opType, input: [...input], output, attribute }));
  }

  #unique(base: string): string {
    let name = base;
    for (let i = 1; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#taken.add(name);
    return name;
  }
}

function attributeProto(name: string, value: AttributeInput): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) });
  }
  if (typeof value === 'string') {
    const s = new TextEncoder().encode(value);
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.STRING, s });
  }
  if ('float' in value) {
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: value.float });
  }
  return create(AttributeProtoSchema, {
    name,
    type: AttributeProto_AttributeType.INTS,
    ints: value.map(BigInt),
  });
}

function port(name: string, dtype: DType, dimensions: Dimensions): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType: elementTypes[dtype],
          shape: {
            dim: dimensions.map((dimension) =>
              create(TensorShapeProto_DimensionSchema, {
                value: dimension.dynamic
                  ? { case: 'dimParam', value: dimensionName(dimension) }
                  : { case: 'dimValue', value: BigInt(dimension.size) },
              }),
            ),
          },
        },
      },
    },
  });
}
