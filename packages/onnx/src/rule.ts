/**
 * Rules: how one op of the table is written in ONNX. A rule sees one node with the ONNX names of its inputs, adds nodes, and
 * returns the names of its outputs. An op without a rule is lowered first.
 *
 * The table is open, like the op table itself: a package that defines an op registers its rule with `defineRule`.
 */

import {
  type Attributes,
  at,
  type DType,
  fromNumeric,
  hostTensor,
  isFloat,
  OmmaError,
  type TensorType,
} from '@omma/core';
import type { AttributeInput, Dialect, Opset } from './dialect/dialect.ts';
import { type Dimension, type Dimensions, fixed, followsBatch } from './dimensions.ts';
import { elementCode } from './element.ts';
import type { ModelBuilder, Origin } from './model.ts';

export interface RuleInput extends TensorType {
  /** Its name in the model. */
  readonly name: string;
  readonly dimensions: Dimensions;
}

/** What a rule needs to know before it is used; `since` is the first operator set that has what it writes. */
export interface Rule {
  readonly since?: Opset;
  /** Whether this node can be written so in this dialect; it is lowered otherwise. */
  supports?(inputs: readonly TensorType[], attrs: Attributes, dialect: Dialect): boolean;
  write(context: RuleContext): string | readonly string[];
}

const rules = new Map<string, Rule>();

/** Says how op `name` is written in ONNX. A later rule replaces an earlier one. */
export function defineRule(name: string, rule: Rule | Rule['write']): void {
  rules.set(name, typeof rule === 'function' ? { write: rule } : rule);
}

/** The rule that can write this node in this dialect, or null. */
export function ruleFor(
  op: string,
  dialect: Dialect,
  inputs: readonly TensorType[],
  attrs: Attributes,
): Rule | null {
  const rule = rules.get(op);
  if (rule === undefined || (rule.since ?? 13) > dialect.opset) return null;
  return rule.supports === undefined || rule.supports(inputs, attrs, dialect) ? rule : null;
}

/** Names of all ops with a rule. */
export function ruleNames(): readonly string[] {
  return [...rules.keys()];
}

/** One node on its way into the model. */
export class RuleContext {
  readonly attrs: Attributes;
  readonly inputs: readonly RuleInput[];
  readonly outputs: readonly (TensorType & { readonly dimensions: Dimensions })[];
  readonly #model: ModelBuilder;
  readonly #origin: Origin;
  readonly #batchSource: RuleInput | null;

  constructor(
    model: ModelBuilder,
    origin: Origin,
    attrs: Attributes,
    inputs: readonly RuleInput[],
    outputs: readonly (TensorType & { readonly dimensions: Dimensions })[],
    batchSource: RuleInput | null,
  ) {
    this.#model = model;
    this.#origin = origin;
    this.attrs = attrs;
    this.inputs = inputs;
    this.outputs = outputs;
    this.#batchSource = batchSource;
  }

  get dialect(): Dialect {
    return this.#model.dialect;
  }

  get opset(): Opset {
    return this.dialect.opset;
  }

  input(index: number): RuleInput {
    return at(this.inputs, index);
  }

  /** Where the node comes from, for messages: ` at backbone.conv1`, or nothing at the top. */
  get where(): string {
    const { scope } = this.#origin;
    return scope === '' ? '' : ` at ${scope}`;
  }

  /** The names of all inputs. */
  get names(): string[] {
    return this.inputs.map((input) => input.name);
  }

  /** The first output's type. */
  get output(): TensorType & { readonly dimensions: Dimensions } {
    return at(this.outputs, 0);
  }

  /** Adds a node with one output. */
  emit(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): string {
    return at(this.emitAll(opType, inputs, attributes, 1), 0);
  }

  emitAll(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>>,
    outputCount: number,
  ): string[] {
    return this.#model.node(opType, inputs, attributes, this.#origin, outputCount);
  }

  integers(values: readonly (number | bigint)[]): string {
    return this.#model.integers(values);
  }

  integer(value: number): string {
    return this.#model.integers([value], true);
  }

  /** A scalar of `dtype`. */
  scalar(value: number, dtype: DType): string {
    return this.array([value], [], dtype);
  }

  array(values: readonly number[], shape: readonly number[], dtype: DType): string {
    const numbers = isFloat(dtype) ? Float64Array.from(values) : Int32Array.from(values);
    return this.#model.literal(hostTensor(shape, dtype, fromNumeric(dtype, numbers)));
  }

  /** Raw numbers of a constant: bit patterns for the 16-bit floats. */
  literal(...type: Parameters<typeof hostTensor>): string {
    return this.#model.literal(hostTensor(...type));
  }

  /** The value as another dtype, or in another element; itself where it is held in that already. */
  cast(name: string, dtype: DType | 'int64'): string {
    const element = dtype === 'int64' ? dtype : this.dialect.element(dtype);
    return this.#model.elementOf(name) === element
      ? name
      : this.emit('Cast', [name], { to: elementCode(element) });
  }

  /** A 64-bit vector with these extents, computed when the model runs where they depend on the batch. */
  shape(dimensions: Dimensions): string {
    if (dimensions.every((dimension) => !dimension.dynamic)) {
      return this.integers(dimensions.map((dimension) => dimension.size));
    }
    const parts = dimensions.map((dimension) => this.#extent(dimension));
    return this.emit('Concat', parts, { axis: 0 });
  }

  /** One extent as a 64-bit vector of length 1. */
  #extent(dimension: Dimension): string {
    if (!dimension.dynamic) return this.integers([dimension.size]);
    if (dimension.factor === null) {
      throw new OmmaError(
        `exportOnnx: ${this.#origin.op}${this.where} computes with the picture's size; export with a fixed size`,
      );
    }
    const source = this.#batchSource;
    const axis = source?.dimensions.findIndex(followsBatch) ?? -1;
    if (source === null || axis < 0)
      throw new Error('export: an extent depends on the batch but no input has one');
    const all = this.emit('Shape', [source.name]);
    const batch = this.emit('Slice', [all, this.integers([axis]), this.integers([axis + 1])]);
    const own = source.dimensions[axis] ?? fixed(1);
    if (own.factor === dimension.factor) return batch;
    const single = own.factor === 1 ? batch : this.emit('Div', [batch, this.integers([own.factor ?? 1])]);
    return this.emit('Mul', [single, this.integers([dimension.factor])]);
  }
}
