/**
 * One ONNX node on its way into the graph, as operators see it: inputs as tensors or as known numbers, attributes as the type that the
 * operator expects. What does not fit is one line with the node's name and operator.
 */

import { type DType, OmmaError, type Tensor } from '@omma/core';
import type { FileNode, StoredAttribute } from './file.ts';
import type { Stored } from './tensor.ts';
import { isKnown, type Known, toTensor, type Value } from './value.ts';

/** What a node may ask of the model around it. */
export interface Surroundings {
  readonly opset: number;
  readonly training: boolean;
  /** Moves the running statistics of a batch norm; see module.ts. */
  readonly batchNorm: (node: NodeContext, x: Tensor) => Tensor;
  readonly dropout: (node: NodeContext, x: Tensor) => Tensor;
}

export class NodeContext {
  readonly node: FileNode;
  readonly model: Surroundings;
  readonly #inputs: readonly (Value | null)[];

  constructor(node: FileNode, inputs: readonly (Value | null)[], model: Surroundings) {
    this.node = node;
    this.model = model;
    this.#inputs = inputs;
  }

  get opset(): number {
    return this.model.opset;
  }

  get inputCount(): number {
    return this.#inputs.length;
  }

  /** All inputs that are there. */
  get values(): Value[] {
    return this.#inputs.filter((value) => value !== null);
  }

  fail(message: string): never {
    throw new OmmaError(`importOnnx: node ${this.node.name} (${this.node.type}): ${message}`);
  }

  value(index: number): Value {
    return this.optional(index) ?? this.fail(`input ${index} is missing`);
  }

  optional(index: number): Value | null {
    return this.#inputs[index] ?? null;
  }

  tensor(index: number): Tensor {
    return toTensor(this.value(index));
  }

  optionalTensor(index: number): Tensor | null {
    const value = this.optional(index);
    return value === null ? null : toTensor(value);
  }

  /** An input that must be known while tracing: a shape, axes, scales. */
  known(index: number, what: string): Known {
    return this.optionalKnown(index, what) ?? this.fail(`input ${index} (${what}) is missing`);
  }

  optionalKnown(index: number, what: string): Known | null {
    const value = this.optional(index);
    if (value === null || isKnown(value)) return value;
    return this.fail(
      `input ${index} (${what}) depends on data; only what follows from shapes can be imported`,
    );
  }

  numbers(index: number, what: string): number[] {
    return Array.from(this.known(index, what).data);
  }

  optionalNumbers(index: number, what: string): number[] | null {
    const known = this.optionalKnown(index, what);
    return known === null ? null : Array.from(known.data);
  }

  number(name: string, otherwise: number): number {
    return this.#attribute(name, otherwise, 'a number', (value) => typeof value === 'number');
  }

  text(name: string, otherwise: string): string {
    return this.#attribute(name, otherwise, 'text', (value) => typeof value === 'string');
  }

  list(name: string): readonly number[] | null {
    return this.#attribute<readonly number[] | null>(name, null, 'a list of numbers', isNumberList);
  }

  stored(name: string): Stored | null {
    return this.#attribute<Stored | null>(name, null, 'a tensor', isStored);
  }

  /** Refuses attributes whose meaning is not built. */
  refuse(name: string, allowed: StoredAttribute): void {
    const value = this.node.attributes.get(name);
    if (value !== undefined && value !== allowed)
      this.fail(
        `attribute ${name} is ${JSON.stringify(value)}; only ${JSON.stringify(allowed)} can be imported`,
      );
  }

  #attribute<T>(
    name: string,
    otherwise: T,
    expected: string,
    fits: (value: StoredAttribute) => value is StoredAttribute & T,
  ): T {
    const value = this.node.attributes.get(name);
    if (value === undefined) return otherwise;
    return fits(value)
      ? value
      : this.fail(`attribute ${name} should be ${expected} but is ${JSON.stringify(value)}`);
  }
}

function isNumberList(value: StoredAttribute): value is readonly number[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'number');
}

function isStored(value: StoredAttribute): value is Stored {
  return typeof value === 'object' && !Array.isArray(value);
}

/** How Omma holds an ONNX element type: 64-bit integers as int32, all floats as float32. */
export const dtypeOf: Readonly<Record<Stored['type'], DType>> = {
  float32: 'float32',
  integer: 'int32',
  bool: 'bool',
};

/** One way to write an ONNX operator in Omma's ops. */
export type Importer = (node: NodeContext) => Value | readonly Value[];
