/**
 * Grows one ONNX model: nodes, initializers, ports, and the names that connect them. Rules write through it.
 *
 * The last stage of the exporter: what comes out of `finish` are the bytes of a .onnx file.
 */

import { create, toBinary } from '@bufbuild/protobuf';
import type { HostTensor } from '@omma/core';
import { type AttributeInput, type Dialect, opsets } from './dialect/dialect.ts';
import { type Dimensions, dimensionName } from './dimensions.ts';
import { type ElementType, elementBytes, elementCode, elementOfCode } from './element.ts';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './proto/onnx_pb.ts';

/** Where a node comes from: the op of the graph that it was written for, and the module path of that. */
export interface Origin {
  readonly op: string;
  readonly scope: string;
}

const producerVersion = '0.1.0';

export class ModelBuilder {
  readonly dialect: Dialect;
  /** Origins by node name. */
  readonly origins = new Map<string, Origin>();
  readonly #nodes: NodeProto[] = [];
  readonly #initializers = new Map<string, TensorProto>();
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #taken = new Set<string>();
  readonly #renamed = new Map<string, string>();
  readonly #literals = new Map<string, string>();
  /** What each value is held in, by name. */
  readonly #elements = new Map<string, ElementType>();
  /** Names of values that nodes make. */
  readonly #made = new Set<string>();

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }

  /** Declares an input and returns its name, which is `wanted` unless that is taken or not allowed. */
  input(wanted: string, element: ElementType, dimensions: Dimensions): string {
    const name = this.#unique(wanted);
    this.#elements.set(name, element);
    this.#inputs.push(this.#port(name, element, dimensions));
    return name;
  }

  /**
   * Declares an output under a name from `reserve`: the value `source`, which takes that name where a node makes it, or a copy of it.
   */
  output(name: string, source: string, element: ElementType, dimensions: Dimensions): void {
    this.#outputs.push(this.#port(name, element, dimensions));
    if (this.#made.has(source) && !this.#renamed.has(source)) this.#renamed.set(source, name);
    else this.#append('Identity', [source], {}, [name], { op: 'output', scope: '' });
  }

  /** Keeps a name for an output, so that no other value takes it: `wanted` unless that is taken or not allowed. */
  reserve(wanted: string): string {
    return this.#unique(wanted);
  }

  /** Adds a node and returns the names of its outputs. Empty input names stand for inputs left out. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>>,
    origin: Origin,
    outputCount = 1,
  ): string[] {
    const base = origin.scope === '' ? opType : `${origin.scope}/${opType}`;
    const outputs = Array.from({ length: outputCount }, (_, i) => {
      const name = this.#unique(i === 0 ? base : `${base}:${i}`);
      this.#elements.set(name, this.#resultElement(opType, inputs, attributes, i));
      this.#made.add(name);
      return name;
    });
    this.#append(opType, inputs, attributes, outputs, origin);
    return outputs;
  }

  /** The element that the value of this name is held in. */
  elementOf(name: string): ElementType {
    const element = this.#elements.get(name);
    if (element === undefined) throw new Error(`onnx: no value is called ${name}`);
    return element;
  }

  /** An initializer under a name of its own: a weight. Returns its name. */
  weight(wanted: string, tensor: HostTensor, element = this.dialect.element(tensor.dtype)): string {
    const name = this.#unique(wanted);
    this.#initialize(name, tensor.shape, element, elementBytes(tensor, element));
    return name;
  }

  /** The name of an initializer with these numbers; equal ones are shared. */
  literal(tensor: HostTensor, element = this.dialect.element(tensor.dtype)): string {
    const { dtype, shape, data } = tensor;
    const key = data.length <= 64 ? `${dtype} ${element}[${shape.join()}]${data.join()}` : null;
    const known = key === null ? undefined : this.#literals.get(key);
    if (known !== undefined) return known;
    const name = this.weight('constant', tensor, element);
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
    this.#initialize(name, scalar ? [] : [values.length], 'int64', new Uint8Array(data.buffer));
    this.#literals.set(key, name);
    return name;
  }

  /** The file's bytes. Initializers that no node reads are left out. */
  finish(graphName: string, metadata: Readonly<Record<string, string>>): Uint8Array {
    for (const node of this.#nodes) {
      node.input = node.input.map((name) => this.#renamed.get(name) ?? name);
      node.output = node.output.map((name) => this.#renamed.get(name) ?? name);
    }
    const used = new Set(this.#nodes.flatMap((node) => node.input));
    const { opset } = this.dialect;
    const model = create(ModelProtoSchema, {
      irVersion: opsets[opset],
      opsetImport: [{ domain: '', version: BigInt(opset) }],
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

  #initialize(name: string, shape: readonly number[], element: ElementType, rawData: Uint8Array): void {
    this.#elements.set(name, element);
    this.#initializers.set(
      name,
      create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: elementCode(element), rawData }),
    );
  }

  #append(
    opType: string,
    input: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>>,
    output: string[],
    origin: Origin,
  ): void {
    const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value));
    const scoped = origin.scope === '' || this.dialect.longestName !== null ? '' : `${origin.scope}/`;
    const name = `${scoped}${opType}_${this.#nodes.length}`;
    this.origins.set(name, origin);
    this.#nodes.push(create(NodeProtoSchema, { name, opType, input: [...input], output, attribute }));
  }

  /** The element of output `index` of a node; most operators keep that of their first input. */
  #resultElement(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>>,
    index: number,
  ): ElementType {
    if (index > 0 || countingOperators.has(opType)) return 'int64';
    if (predicates.has(opType)) return 'bool';
    if (opType === 'Cast') return elementOfCode(Number(attributes.to)) ?? 'float32';
    return this.elementOf(inputs[opType === 'Where' ? 1 : 0] ?? '');
  }

  #port(name: string, element: ElementType, dimensions: Dimensions): ValueInfoProto {
    const dim = dimensions.map((dimension) =>
      create(TensorShapeProto_DimensionSchema, {
        value: dimension.dynamic
          ? { case: 'dimParam', value: dimensionName(dimension) }
          : { case: 'dimValue', value: BigInt(dimension.size) },
      }),
    );
    return create(ValueInfoProtoSchema, {
      name,
      type: { value: { case: 'tensorType', value: { elemType: elementCode(element), shape: { dim } } } },
    });
  }

  #unique(wanted: string): string {
    const { longestName } = this.dialect;
    const base = longestName === null ? wanted : shortened(wanted, longestName);
    let name = base;
    for (let i = 1; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#taken.add(name);
    return name;
  }
}

/** Operators whose first output is bool, whatever they look at. */
const predicates = new Set([
  'And',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'IsInf',
  'IsNaN',
  'Less',
  'LessOrEqual',
  'Not',
  'Or',
  'Xor',
]);

/** Operators whose first output counts. Every second output does, of the operators used here. */
const countingOperators = new Set(['ArgMax', 'ArgMin', 'NonMaxSuppression', 'NonZero', 'Shape', 'Size']);

/** Only letters, digits and `_`, short enough to leave place for a number that makes it unique. The end says more than the beginning. */
function shortened(name: string, longest: number): string {
  const plain = name.replace(/[^A-Za-z0-9_]/g, '_');
  const kept = plain.slice(Math.max(0, plain.length - (longest - 8)));
  return /^[A-Za-z_]/.test(kept) ? kept : `_${kept}`;
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
