/**
 * Tracing: runs a TypeScript function once with symbolic tensors and keeps the graph it built.
 *
 * A stack of builders tells which graph operations go to; it is empty outside of `trace`. Tracing is synchronous, so the
 * stack cannot be confused by concurrent work.
 */

import { OmmaError } from './errors.ts';
import { GraphBuilder } from './graph/builder.ts';
import type { Graph, TensorType } from './graph/graph.ts';
import { at } from './list.ts';
import { type HostTensor, type Origin, type PendingCall, Tensor } from './tensor.ts';

const builders: GraphBuilder[] = [];

/** The builder of the innermost running trace, or null. */
export function currentBuilder(): GraphBuilder | null {
  return builders.at(-1) ?? null;
}

/** Named tensors: what goes into a traced function and what comes out. */
export type TensorRecord = Readonly<Record<string, Tensor>>;

/**
 * Traces `fn` with one symbolic input per entry of `inputs` and returns its graph. `fn` must not be async, and must return
 * the named outputs; state that it reads and writes is recorded in the graph's `state`.
 */
export function trace(
  fn: (inputs: TensorRecord) => TensorRecord,
  inputs: Readonly<Record<string, TensorType>>,
): Graph {
  return traceInto(new GraphBuilder(), fn, inputs);
}

/** `trace` with a builder of the caller's, who wants to know the variables behind the state slots. */
export function traceInto(
  builder: GraphBuilder,
  fn: (inputs: TensorRecord) => TensorRecord,
  inputs: Readonly<Record<string, TensorType>>,
): Graph {
  return within(builder, () => {
    const symbols: Record<string, Tensor> = {};
    for (const [name, type] of Object.entries(inputs))
      symbols[name] = traced(builder, builder.input(name, type));
    for (const [name, output] of Object.entries(fn(symbols))) builder.output(name, lift(builder, output));
    return builder.finish();
  });
}

/** Runs `body` with `builder` as the target of operations. */
export function within<T>(builder: GraphBuilder, body: () => T): T {
  builders.push(builder);
  try {
    return body();
  } finally {
    builders.pop();
  }
}

/** Runs `body` with `name` appended to the module path of the nodes it adds. Outside of `trace` it only runs it. */
export function scope<T>(name: string, body: () => T): T {
  const builder = currentBuilder();
  if (builder === null || name === '') return body();
  const outer = builder.scope;
  builder.scope = outer === '' ? name : `${outer}.${name}`;
  try {
    return body();
  } finally {
    builder.scope = outer;
  }
}

/** A tensor for value `id` of the graph that `builder` is building. */
export function traced(builder: GraphBuilder, id: number): Tensor {
  const value = builder.values[id];
  if (value === undefined) throw new Error(`trace: value %${id} does not exist`);
  return new Tensor(value, { kind: 'traced', builder, id });
}

/**
 * The value id of `tensor` in `builder`'s graph. Host numbers become constants (or inputs, if the builder says so), operations
 * recorded outside of `trace` are added; tensors of another trace are refused.
 */
export function lift(builder: GraphBuilder, tensor: Tensor): number {
  const { origin } = tensor;
  if (origin.kind === 'traced') {
    if (origin.builder === builder) return origin.id;
    throw new OmmaError(
      'trace: a tensor of another trace was used; pass it as an input instead of capturing it',
    );
  }
  if (origin.kind === 'host') return captured(builder, origin.host);
  const result = origin.call.results?.[origin.output];
  return result === undefined ? at(placed(builder, origin.call), origin.output) : captured(builder, result);
}

/** Output ids of a recorded operation, which is added with all that it depends on, once. A loop: chains may be long. */
function placed(builder: GraphBuilder, call: PendingCall): readonly number[] {
  const open = [call];
  for (let next = open.at(-1); next !== undefined; next = open.at(-1)) {
    const missing = next.inputs.flatMap(({ origin }) => (mustBePlaced(builder, origin) ? [origin.call] : []));
    if (missing.length > 0) {
      open.push(...missing);
      continue;
    }
    open.pop();
    if (builder.placed.has(next)) continue;
    const ids = next.inputs.map((input) => lift(builder, input));
    builder.placed.set(next, builder.node(next.op, ids, next.attrs, next.types));
  }
  return builder.placed.get(call) ?? [];
}

function mustBePlaced(builder: GraphBuilder, origin: Origin): origin is Origin & { kind: 'pending' } {
  return (
    origin.kind === 'pending' &&
    origin.call.results?.[origin.output] === undefined &&
    !builder.placed.has(origin.call)
  );
}

/** Host numbers in a graph: an input when the builder collects them, else a constant. */
function captured(builder: GraphBuilder, host: HostTensor): number {
  const { hosts } = builder;
  if (hosts === null) return constant(builder, host);
  const known = hosts.get(host);
  if (known !== undefined) return known;
  const id = builder.input(`host${hosts.size}`, host);
  hosts.set(host, id);
  return id;
}

/** Adds the op `constant`: `data` are the array's raw numbers (bit patterns for the 16-bit floats), non-finite ones as text. */
function constant(builder: GraphBuilder, host: HostTensor): number {
  const data = Array.from(host.data, (value) => (Number.isFinite(value) ? value : String(value)));
  const { shape, dtype } = host;
  return at(builder.node('constant', [], { shape, dtype, data }, [{ shape, dtype }]), 0);
}
