/** One node on its way through inference: its inputs and attributes as rules ask for them, and the shape arithmetic that they share. */

import { type AttributeFact, type Extents, elementName, unknownValue, type ValueFacts } from './facts.ts';

export type Inferred = Pick<ValueFacts, 'type' | 'shape'>;

export const nothing: Inferred = { type: null, shape: null };

export interface InferenceInput {
  readonly opType: string;
  readonly inputs: readonly (ValueFacts | null)[];
  readonly attributes: ReadonlyMap<string, AttributeFact>;
  readonly outputCount: number;
}

export class InferContext {
  readonly node: InferenceInput;

  constructor(node: InferenceInput) {
    this.node = node;
  }

  /** All inputs that are there. */
  get inputs(): readonly ValueFacts[] {
    return this.node.inputs.filter((input) => input !== null);
  }

  /** An input; an unknown one stands for what is left out. */
  input(index: number): ValueFacts {
    return this.node.inputs[index] ?? unknownValue;
  }

  number(name: string, otherwise: number): number {
    const value = this.node.attributes.get(name);
    return typeof value === 'number' ? value : otherwise;
  }

  text(name: string, otherwise: string): string {
    const value = this.node.attributes.get(name);
    return typeof value === 'string' ? value : otherwise;
  }

  numbers(name: string): readonly number[] | null {
    const value = this.node.attributes.get(name);
    return isNumbers(value) ? value : null;
  }

  /** Numbers that older operator sets write as an attribute and newer ones as an input. */
  listOf(name: string, input: number): readonly number[] | null {
    return this.numbers(name) ?? this.input(input).values;
  }

  /** The element type that an attribute names. */
  element(name: string): ValueFacts['type'] {
    return elementName(this.number(name, 0));
  }

  /** What a Constant node makes. */
  constant(): ValueFacts {
    const { attributes } = this.node;
    const tensor = attributes.get('value');
    if (typeof tensor === 'object' && tensor !== null && 'constant' in tensor) return tensor;
    const integer = attributes.get('value_int');
    if (typeof integer === 'number') return { type: 'int64', shape: [], constant: true, values: [integer] };
    const integers = this.numbers('value_ints');
    if (integers !== null)
      return { type: 'int64', shape: [integers.length], constant: true, values: integers };
    const floats = this.numbers('value_floats');
    if (floats !== null) return { type: 'float32', shape: [floats.length], constant: true, values: null };
    const single = typeof attributes.get('value_float') === 'number';
    return { type: single ? 'float32' : null, shape: single ? [] : null, constant: true, values: null };
  }

  /** The shape of the inputs broadcast against each other. */
  broadcast(inputs: readonly ValueFacts[]): Extents {
    const shapes = inputs.map(({ shape }) => shape);
    let result: readonly (number | null)[] = [];
    for (const shape of shapes) {
      if (shape === null) return null;
      result = broadcastPair(result, shape);
    }
    return result;
  }

  /** The shape of the first input with its axes reduced, kept or not as the attributes say. */
  reduced(): Extents {
    const { shape } = this.input(0);
    if (shape === null) return null;
    const keep = this.number('keepdims', 1) === 1;
    const single = this.node.opType.startsWith('Arg') ? [this.number('axis', 0)] : null;
    const listed = single ?? this.listOf('axes', 1);
    if (listed === null && this.node.inputs[1] != null) return null;
    const none = listed === null || listed.length === 0;
    if (none && this.number('noop_with_empty_axes', 0) === 1) return shape;
    const axes = none ? shape.map((_, axis) => axis) : listed.map((axis) => positive(axis, shape.length));
    return keep
      ? shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
      : shape.filter((_, axis) => !axes.includes(axis));
  }
}

/** Numpy's rule. An extent that is open stays so, unless the other one decides. */
function broadcastPair(
  a: readonly (number | null)[],
  b: readonly (number | null)[],
): readonly (number | null)[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = axis < rank - a.length ? 1 : (a[axis - (rank - a.length)] ?? null);
    const right = axis < rank - b.length ? 1 : (b[axis - (rank - b.length)] ?? null);
    if (left === 1) return right;
    return right === 1 || right === null ? left : right;
  });
}

/** An axis counted from the front. */
export function positive(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

function isNumbers(value: AttributeFact | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'number');
}
