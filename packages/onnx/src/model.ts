/**
 * Grows one ONNX model: nodes, initializers, ports, and the names that connect them. Rules write through it.
 *
 * The last stage of the exporter: what comes out of `finish` are the bytes of a .onnx file.
 */

import { create, toBinary } from '@bufbuild/protobuf';
import type { HostTensor } from '@omma/core';
import { type AttributeInput, type Dialect, opsets } from './dialect/dialect.ts';
import { asVector } from './dialect/forms/scalars.ts';
import { otherForm } from './dialect/forms.ts';
import { type Dimensions, dimensionName } from './dimensions.ts';
import { type ElementType, elementBytes, elementCode, isElementType } from './element.ts';
import type { AttributeFact, NodeFacts, ValueFacts } from './inspect/facts.ts';
import { inferOutputs } from './inspect/infer.ts';
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
  /** What is known of each value, by name. */
  readonly #facts = new Map<string, ValueFacts>();
  /** Names of values that nodes make. */
  readonly #made = new Set<string>();

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }

  /** Declares an input and returns its name, which is `wanted` unless that is taken or not allowed. */
  input(wanted: string, element: ElementType, dimensions: Dimensions): string {
    const name = this.#unique(wanted);
    const shape = dimensions.map((dimension) => (dimension.dynamic ? null : dimension.size));
    this.#facts.set(name, { type: element, shape, constant: false, values: null });
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

  /**
   * Adds a node and returns the names of its outputs; or several nodes that do the same, where the dialect does not take this one. Empty
   * input names stand for inputs left out.
   */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>>,
    origin: Origin,
    outputCount = 1,
  ): string[] {
    const facts = this.#describe(opType, inputs, attributes, outputCount);
    const node = { model: this, facts, inputs, attributes, origin, outputCount };
    if (this.dialect.minRank === 1 && facts.outputs[0]?.shape?.length === 0) {
      const vector = asVector(node);
      if (vector !== null) return vector;
    }
    if (this.dialect.allows(facts) !== true) {
      const other = otherForm(node);
      if (other !== null) return other;
    }
    const base = origin.scope === '' ? opType : `${origin.scope}/${opType}`;
    const outputs = facts.outputs.map((output, i) => {
      const name = this.#unique(i === 0 ? base : `${base}:${i}`);
      if (output !== null) this.#facts.set(name, output);
      this.#made.add(name);
      return name;
    });
    this.#append(opType, inputs, attributes, outputs, origin);
    return outputs;
  }

  /** Whether the dialect takes an operator on the values of these names. */
  allows(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>>,
  ): boolean {
    return this.dialect.allows(this.#describe(opType, inputs, attributes, 1)) === true;
  }

  /** What is known of the value of this name. */
  factsOf(name: string): ValueFacts {
    const facts = this.#facts.get(name);
    if (facts === undefined) throw new Error(`onnx: no value is called ${name}`);
    return facts;
  }

  /** The element that the value of this name is held in. */
  elementOf(name: string): ElementType {
    const { type } = this.factsOf(name);
    if (type === null || !isElementType(type)) throw new Error(`onnx: ${name} is of type ${type}`);
    return type;
  }

  /** An initializer under a name of its own: a weight. Returns its name. */
  weight(wanted: string, tensor: HostTensor, element = this.dialect.element(tensor.dtype)): string {
    const name = this.#unique(wanted);
    this.#initialize(name, tensor.shape, element, elementBytes(tensor, element), null);
    return name;
  }

  /** The name of an initializer with these numbers; equal ones are shared. */
  literal(tensor: HostTensor, element = this.dialect.element(tensor.dtype)): string {
    const { dtype, shape, data } = tensor;
    const numbers = data.length <= 64 ? Array.from(data, (x) => (Object.is(x, -0) ? '-0' : x)) : null;
    const key = numbers === null ? null : `${dtype} ${element}[${shape.join()}]${numbers.join()}`;
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
    const bytes = new Uint8Array(data.buffer);
    this.#initialize(name, scalar ? [] : [values.length], 'int64', bytes, values.map(Number));
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

  #initialize(
    name: string,
    wanted: readonly number[],
    element: ElementType,
    rawData: Uint8Array,
    values: readonly number[] | null,
  ): void {
    const shape = wanted.length < this.dialect.minRank ? [1] : wanted;
    this.#facts.set(name, { type: element, shape, constant: true, values });
    this.#initializers.set(
      name,
      create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: elementCode(element), rawData }),
    );
  }

  #describe(
    opType: string,
    inputNames: readonly string[],
    attributeInputs: Readonly<Record<string, AttributeInput>>,
    outputCount: number,
  ): NodeFacts {
    const inputs = inputNames.map((name) => (name === '' ? null : this.factsOf(name)));
    const attributes = new Map(
      Object.entries(attributeInputs).map(([name, value]) => [name, attributeFact(value)]),
    );
    const inferred = inferOutputs({ opType, inputs, attributes, outputCount });
    const outputs = Array.from({ length: outputCount }, (_, i) => inferred[i] ?? null);
    return { name: '', domain: '', opType, attributes, inputs, outputs };
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

  #port(name: string, element: ElementType, dimensions: Dimensions): ValueInfoProto {
    const dim = dimensions.map((dimension, axis) =>
      create(TensorShapeProto_DimensionSchema, {
        value: dimension.dynamic
          ? { case: 'dimParam', value: dimensionName(dimension, name, axis) }
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

/** Only letters, digits and `_`, short enough to leave place for a number that makes it unique. The end says more than the beginning. */
function shortened(name: string, longest: number): string {
  const plain = name.replace(/[^A-Za-z0-9_]/g, '_');
  const kept = plain.slice(Math.max(0, plain.length - (longest - 8)));
  return /^[A-Za-z_]/.test(kept) ? kept : `_${kept}`;
}

function attributeFact(value: AttributeInput): AttributeFact {
  return typeof value === 'object' && 'float' in value ? value.float : value;
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
