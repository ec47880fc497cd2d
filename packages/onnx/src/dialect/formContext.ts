/** What a form sees of a refused node, and how it writes others in its place. */

import { type DType, fromNumeric, hostTensor, isFloat, type Shape } from '@omma/core';
import { type ElementType, elementCode } from '../element.ts';
import type { ValueFacts } from '../inspect/facts.ts';
import type { AttributeInput } from './dialect.ts';
import type { RefusedNode } from './forms.ts';

export class FormContext {
  readonly node: RefusedNode;

  constructor(node: RefusedNode) {
    this.node = node;
  }

  /** The name of an input; empty when it is left out. */
  name(index: number): string {
    return this.node.inputs[index] ?? '';
  }

  /** What is known of the value of this name. */
  facts(name: string): ValueFacts {
    return this.node.model.factsOf(name);
  }

  /** The extents of the value of this name; null unless all are known. */
  shape(name: string): Shape | null {
    const { shape } = this.facts(name);
    return shape?.every((extent) => extent !== null) === true ? shape : null;
  }

  element(name: string): ElementType {
    return this.node.model.elementOf(name);
  }

  number(name: string, otherwise: number): number {
    const value = this.node.attributes[name];
    if (typeof value === 'number') return value;
    return typeof value === 'object' && 'float' in value ? value.float : otherwise;
  }

  text(name: string, otherwise: string): string {
    const value = this.node.attributes[name];
    return typeof value === 'string' ? value : otherwise;
  }

  numbers(name: string): readonly number[] | null {
    const value = this.node.attributes[name];
    return typeof value === 'object' && !('float' in value) ? value : null;
  }

  /** The numbers of an integer input that is constant; null for others. */
  values(index: number): readonly number[] | null {
    const name = this.name(index);
    return name === '' ? null : this.facts(name).values;
  }

  /** Whether the dialect would take this node with its float inputs in `element`. */
  allowedAs(element: ElementType): boolean {
    const { facts, model } = this.node;
    const inputs = facts.inputs.map((input) =>
      input?.type === 'float32' ? { ...input, type: element } : input,
    );
    return model.dialect.allows({ ...facts, inputs }) === true;
  }

  /** Whether the dialect would take an operator on these values. */
  allowed(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): boolean {
    return this.node.model.allows(opType, inputs, attributes);
  }

  /** Adds a node with one output. */
  emit(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): string {
    const [name = ''] = this.node.model.node(opType, inputs, attributes, this.node.origin, 1);
    return name;
  }

  integers(values: readonly number[]): string {
    return this.node.model.integers(values);
  }

  /** Numbers held as the value `like` is. */
  array(values: readonly number[], shape: Shape, like: string): string {
    return this.constant(values, shape, this.element(like));
  }

  constant(values: readonly number[], shape: Shape, element: ElementType): string {
    if (element === 'int64') return this.reshape(this.integers(values), shape);
    const dtype: DType = element;
    const numbers = isFloat(dtype) ? Float64Array.from(values) : Int32Array.from(values);
    return this.node.model.literal(hostTensor(shape, dtype, fromNumeric(dtype, numbers)), element);
  }

  /** One number, as a vector of length 1. */
  scalar(value: number, like: string): string {
    return this.array([value], [1], like);
  }

  cast(name: string, element: ElementType): string {
    return this.element(name) === element ? name : this.emit('Cast', [name], { to: elementCode(element) });
  }

  reshape(name: string, shape: Shape): string {
    return this.shape(name)?.join() === shape.join()
      ? name
      : this.emit('Reshape', [name, this.integers(shape)]);
  }
}
