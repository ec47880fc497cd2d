/**
 * From a TypeScript function to something that runs: trace, passes, device compile, and a bounded cache by input signature.
 */

import { besidesCollectives, compileWithCollectives } from './device/collectiveSegments.ts';
import type { Communicator } from './device/communicator.ts';
import { type Device, device as deviceNamed, type Executable } from './device/device.ts';
import { compileWithFallback } from './device/fallback.ts';
import { GraphBuilder } from './graph/builder.ts';
import type { Graph, TensorType } from './graph/graph.ts';
import { formatType } from './graph/print.ts';
import type { MixedPrecision } from './passes/mixedPrecision.ts';
import { prepare } from './passes/prepare.ts';
import type { HostTensor } from './tensor.ts';
import { type TensorRecord, traceInto } from './trace.ts';
import { warn } from './warn.ts';

export interface CompileFunctionOptions {
  /** A device or its name; `auto` unless given. */
  readonly device?: Device | string;
  /** Name in messages. */
  readonly name?: string;
  /** 16-bit type for the ops that profit from it; float32 throughout unless given. */
  readonly amp?: MixedPrecision;
  readonly profile?: boolean;
  /** What happens to an op the device lacks and cannot lower: refuse (default), or let the reference device step in. */
  readonly onUnsupported?: 'error' | 'reference';
  /** Sums over the ranks of a run (`allReduce`) in the graph by this communicator of the device, which cannot make them itself; the graph is cut there. */
  readonly collectives?: Communicator;
}

/** A function compiled once per input signature. */
export interface CompiledFunction {
  (inputs?: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>;
  /** Compiles for these input types without running, and returns the executable. */
  prepare(inputs: Readonly<Record<string, TensorType>>): Promise<Executable>;
  /** The graph as traced for these input types, before passes. */
  graph(inputs: Readonly<Record<string, TensorType>>): Graph;
  dispose(): void;
}

/** Executables kept per function. Beyond it the least recently used is disposed. */
const maxSignatures = 16;
const hintAtSignatures = 8;

interface Entry {
  readonly executable: Executable;
  /** True when a variable it is bound to has moved to another device since. */
  stale(): boolean;
  /** Settles when its runs so far have ended. */
  idle: Promise<unknown>;
}

/**
 * Compiles `fn`, which maps named tensors to named tensors and may read and write variables. Compilation happens at the first
 * call with a new set of input shapes and dtypes.
 */
export function compile(
  fn: (inputs: TensorRecord) => TensorRecord,
  options: CompileFunctionOptions = {},
): CompiledFunction {
  const cache = new Map<string, Entry>();
  const target = () => (typeof options.device === 'object' ? options.device : deviceNamed(options.device));
  const name = options.name ?? (fn.name === '' ? 'function' : fn.name);

  const traceFor = (inputs: Readonly<Record<string, TensorType>>) => {
    const builder = new GraphBuilder();
    return { graph: traceInto(builder, fn, inputs), variables: [...builder.variables.values()] };
  };

  const build = async (inputs: Readonly<Record<string, TensorType>>): Promise<Entry> => {
    const on = target();
    const { graph, variables } = traceFor(inputs);
    const onUnsupported = options.onUnsupported ?? 'error';
    const { amp = null, profile = false, collectives } = options;
    const able = collectives === undefined ? on : besidesCollectives(on);
    const prepared = prepare(graph, able, { amp, onUnsupported });
    const state = new Map(
      await Promise.all(variables.map(async (v) => [v.name, await v.bufferOn(on)] as const)),
    );
    const executable =
      collectives === undefined
        ? await compileWithFallback(prepared, on, { state, profile })
        : await compileWithCollectives(prepared, collectives, { state, profile });
    const stale = () => variables.some((variable) => !variable.isOn(on));
    return { executable, stale, idle: Promise.resolve() };
  };

  const entryFor = async (inputs: Readonly<Record<string, TensorType>>): Promise<Entry> => {
    const key = signature(inputs);
    const known = cache.get(key);
    cache.delete(key);
    if (known !== undefined && !known.stale()) {
      cache.set(key, known);
      return known;
    }
    if (known !== undefined) disposeWhenIdle(known);
    const entry = await build(inputs);
    cache.set(key, entry);
    if (known === undefined && cache.size === hintAtSignatures + 1) hint(name, [...cache.keys()]);
    for (const [oldest, old] of cache) {
      if (cache.size <= maxSignatures) break;
      cache.delete(oldest);
      disposeWhenIdle(old);
    }
    return entry;
  };

  /** Calls are looked up, compiled and started one after another, so that runs happen in the order of the calls. */
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(job: () => Promise<T>): Promise<T> => {
    const result = turn.then(job);
    turn = result.catch(() => undefined);
    return result;
  };

  const call = async (inputs: Readonly<Record<string, HostTensor>> = {}) => {
    const entry = await inTurn(() => entryFor(inputs));
    const outputs = entry.executable.run(inputs);
    entry.idle = Promise.allSettled([entry.idle, outputs]).then(() => undefined);
    return outputs;
  };
  return Object.assign(call, {
    prepare: async (inputs: Readonly<Record<string, TensorType>>) =>
      (await inTurn(() => entryFor(inputs))).executable,
    graph: (inputs: Readonly<Record<string, TensorType>>) => traceFor(inputs).graph,
    dispose: () => {
      for (const entry of cache.values()) disposeWhenIdle(entry);
      cache.clear();
    },
  });
}

function signature(inputs: Readonly<Record<string, TensorType>>): string {
  return Object.entries(inputs)
    .map(([name, type]) => `${name}: ${formatType(type)}`)
    .join(', ');
}

function disposeWhenIdle({ executable, idle }: Entry): void {
  void idle.then(() => executable.dispose());
}

function hint(name: string, signatures: readonly string[]): void {
  warn(
    `compile: ${name} was compiled for ${signatures.length} input signatures, which costs time and memory; ` +
      `pad inputs to a few sizes. The last: ${signatures.slice(-3).join(' | ')}`,
  );
}
