/**
 * Tracing: runs a TypeScript function once with symbolic tensors and keeps the graph it built.
 *
 * A stack of builders tells which graph operations go to; it is empty outside of `trace`. Tracing is synchronous, so the
 * stack cannot be confused by concurrent work.
 */

import { OmmaError } from './errors.ts';
import { GraphBuilder } from './graph/builder.ts';
import type { Graph, TensorType } from './graph/graph.ts';
import { type HostTensor, Tensor } from './tensor.ts';

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
export function trace(fn: (inputs: TensorRecord) => TensorRecord, inputs: Readonly<Record<string, TensorType>>): Graph {
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
    for (const [name, type] of Object.entries(inputs)) symbols[name] = traced(builder, builder.input(name, type));
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

/** The value id of `tensor` in `builder`'s graph. Host numbers become constants; tensors of another trace are refused. */
export function lift(builder: GraphBuilder, tensor: Tensor): number {
  const { origin } = tensor;
  switch (origin.kind) {
    case 'traced':
      if (origin.builder === builder) return origin.id;
      throw new OmmaError('trace: a tensor of another trace was used; pass it as an input instead of capturing it');
    case 'host':
      return constant(builder, origin.host);
    case 'pending': {
      const result = origin.call.results?.[origin.output];
      if (result !== undefined) return constant(builder, result);
      const ids = builder.node(
        origin.call.op,
        origin.call.inputs.map((input) => lift(builder, input)),
        origin.call.attrs,
        origin.call.types,
      );
      return ids[origin.output] ?? 0;
    }
  }
}

/** Adds the op `constant`: `data` are the array's raw numbers (bit patterns for the 16-bit floats), non-finite ones as text. */
function constant(builder: GraphBuilder, host: HostTensor): number {
  const data = Array.from(host.data, (value) => (Number.isFinite(value) ? value : String(value)));
  const attrs = { shape: host.shape, dtype: host.dtype, data };
  return builder.node('constant', [], attrs, [{ shape: host.shape, dtype: host.dtype }])[0] ?? 0;
}
