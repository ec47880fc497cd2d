/**
 * The op table. One definition an operator; shape checks, gradients, lowering, mixed precision, fusion, the reference
 * device, the conformance suite and the support matrix are all derived from it.
 *
 * `defineOp` is public: packages above core, and users, add operators the way core does (CONTRIBUTING.md has an example).
 */

import type { NumericArray } from './device/numeric.ts';
import type { DType } from './dtype.ts';
import { OmmaError, ShapeError } from './errors.ts';
import type { Attributes, TensorType } from './graph/graph.ts';

export { at, first } from './list.ts';

import { at, first } from './list.ts';
import type { Shape } from './shape.ts';
import { type PendingCall, Tensor } from './tensor.ts';
import { currentBuilder, lift } from './trace.ts';

/**
 * What an op does to its elements; devices decide from it what can be fused, passes what can be folded.
 *
 * - elementwise: an output element depends on the input elements at the same (broadcast) place
 * - reduce: fewer elements along some axes, or a scan along one
 * - view: moves elements, no arithmetic
 * - contract: sums of products (matmul, convolution)
 * - window: a fixed neighbourhood (pooling, resize)
 * - index: places that come from data (gather, sort)
 * - collective: depends on the other processes of the run
 * - random: numbers from the random counter; source: no inputs at all
 * - composite: meant to be taken apart by `lower` where a device has no kernel
 */
export type OpKind =
  | 'elementwise'
  | 'reduce'
  | 'view'
  | 'contract'
  | 'window'
  | 'index'
  | 'collective'
  | 'random'
  | 'source'
  | 'composite';

/**
 * What mixed precision does with an op's float inputs.
 *
 * - low: computed in the 16-bit type
 * - f32: widened to float32 first
 * - follow: the first input decides; other inputs of rank > 1 are brought to its type, vectors (norm parameters and
 *   statistics) stay float32
 * - widest: all are brought to the widest among them
 */
export type AmpRule = 'low' | 'f32' | 'follow' | 'widest';

/** What a gradient rule sees. */
export interface GradientContext<A> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attrs: A;
  /** Gradient that arrived at an output (the first unless `index` is given); zeros when none did. */
  cotangent(index?: number): Tensor;
  /** False for an input whose gradient nobody asked for, so that expensive work can be left out. */
  needs(input: number): boolean;
}

export interface NoGradient {
  readonly noGradient: string;
}

/** Marks an op as not differentiable, with the reason. Its inputs receive no gradient, which is not an error. */
export function noGrad(why: string): NoGradient {
  return { noGradient: why };
}

export interface ReferenceArray extends TensorType {
  readonly data: NumericArray;
}

/** One input of a sample: literal `values`, or pseudo-random numbers in [low, high), -1 and 1 unless given. */
export interface SampleInput {
  readonly shape: Shape;
  readonly dtype?: DType;
  readonly low?: number;
  readonly high?: number;
  readonly values?: readonly number[];
}

/** Inputs that exercise an op in the conformance suite, on every device. */
export interface Sample<A> {
  readonly inputs: readonly SampleInput[];
  readonly attrs: A;
  readonly note?: string;
  /** Why finite differences cannot check the gradient of this sample (ties, steps). */
  readonly skipGradient?: string;
}

/** Inputs that must be refused when traced, and what the message must say. */
export interface ErrorSample<A> {
  readonly inputs: readonly TensorType[];
  readonly attrs: A;
  readonly message: RegExp;
}

/**
 * One operator. Members that take attributes are written as methods, because TypeScript then lets a definition with
 * specific attributes stand in the table of definitions with any attributes.
 */
export interface OpDefinition<A extends Attributes = Attributes> {
  readonly name: string;
  readonly kind: OpKind;
  /** Output types from input types. Throws ShapeError. */
  infer(inputs: readonly TensorType[], attrs: A): TensorType | readonly TensorType[];
  /**
   * Gradients, one an input, null where there is none; `lower` to differentiate the lowering; or `noGrad(why)`.
   * A gradient that still has the broadcast shape is summed back by autodiff.
   */
  readonly grad: GradientRule<A> | 'lower' | NoGradient;
  /** The same thing in simpler ops. */
  lower?(inputs: readonly Tensor[], attrs: A): Tensor | readonly Tensor[];
  readonly amp: AmpRule;
  /** The plain TypeScript kernel, float64 inside. An op without one is run through its lowering. */
  reference?(
    inputs: readonly ReferenceArray[],
    attrs: A,
    outputs: readonly TensorType[],
  ): NumericArray | readonly NumericArray[];
  readonly samples: readonly Sample<A>[];
  readonly errors: readonly ErrorSample<A>[];
}

/** See `OpDefinition.grad`. */
export type GradientRule<A> = { rule(context: GradientContext<A>): readonly (Tensor | null)[] }['rule'];

/** What `defineOp` returns: the definition, and ways to apply it. */
export interface Op<A extends Attributes> {
  readonly definition: OpDefinition<A>;
  /** Applies the op; all outputs. */
  all(inputs: readonly Tensor[], attrs: A): readonly Tensor[];
  /** Applies the op; its first output. */
  one(inputs: readonly Tensor[], attrs: A): Tensor;
}

const table = new Map<string, OpDefinition>();

/** Adds an operator to the table. Throws when the name is taken or when nothing says how to compute it. */
export function defineOp<A extends Attributes>(definition: OpDefinition<A>): Op<A> {
  const { name } = definition;
  if (table.has(name))
    throw new OmmaError(`defineOp: an op named ${name} exists already; choose another name`);
  if (definition.reference === undefined && definition.lower === undefined) {
    throw new OmmaError(`defineOp: ${name} needs a reference kernel or a lowering; add one of the two`);
  }
  table.set(name, definition);
  const all = (inputs: readonly Tensor[], attrs: A) => applyOp(definition, inputs, attrs);
  return { definition, all, one: (inputs, attrs) => first(all(inputs, attrs)) };
}

/** The definition of a named op. */
export function opNamed(name: string): OpDefinition {
  const definition = table.get(name);
  if (definition === undefined) {
    throw new OmmaError(
      `op ${name} is not defined; import the package that defines it before using this graph`,
    );
  }
  return definition;
}

/** Every defined op, in order of definition. */
export function allOps(): readonly OpDefinition[] {
  return [...table.values()];
}

/** Output types of an op, as an array. */
export function inferTypes(
  definition: OpDefinition,
  inputs: readonly TensorType[],
  attrs: Attributes,
): readonly TensorType[] {
  const types = definition.infer(inputs, attrs);
  return isList(types) ? types : [types];
}

/** Applies an op: adds a node inside `trace`, records a pending call outside. */
export function applyOp(
  definition: OpDefinition,
  inputs: readonly Tensor[],
  attrs: Attributes,
): readonly Tensor[] {
  const builder = currentBuilder();
  const types = located(builder?.scope ?? '', () => inferTypes(definition, inputs, attrs));
  if (builder === null) {
    const call: PendingCall = { op: definition.name, inputs, attrs, types, results: null };
    return types.map((type, output) => new Tensor(type, { kind: 'pending', call, output }));
  }
  const ids = builder.node(
    definition.name,
    inputs.map((input) => lift(builder, input)),
    attrs,
    types,
  );
  return types.map((type, i) => new Tensor(type, { kind: 'traced', builder, id: at(ids, i) }));
}

/** Runs an op's lowering and gives its outputs as an array. */
export function lowerOp(
  definition: OpDefinition,
  inputs: readonly Tensor[],
  attrs: Attributes,
): readonly Tensor[] {
  const lowered = definition.lower?.(inputs, attrs);
  if (lowered === undefined) throw new OmmaError(`op ${definition.name} has no lowering`);
  return isList(lowered) ? lowered : [lowered];
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

function located<T>(scope: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ShapeError && scope !== '') throw new ShapeError(`${error.message}, at ${scope}`);
    throw error;
  }
}
