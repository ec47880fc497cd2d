/**
 * From a TypeScript function to something that runs: trace, passes, device compile, and a bounded cache by input signature.
 */

import { type Device, device as deviceNamed, type Executable } from './device/device.ts';
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
  readonly executable: Promise<Executable>;
  /** True when a variable it is bound to has moved to another device since. */
  stale(): boolean;
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

  const build = (inputs: Readonly<Record<string, TensorType>>, key: string): Entry => {
    const on = target();
    const { graph, variables } = traceFor(inputs);
    const compileNow = async () => {
      const state = new Map(
        await Promise.all(variables.map(async (v) => [v.name, await v.bufferOn(on)] as const)),
      );
      const prepared = prepare(graph, on, {
        amp: options.amp ?? null,
        onUnsupported: options.onUnsupported ?? 'error',
      });
      return on.compile(prepared, { state, profile: options.profile ?? false });
    };
    const executable = compileNow();
    executable.catch(() => cache.delete(key));
    return { executable, stale: () => variables.some((variable) => !variable.isOn(on)) };
  };

  const executableFor = async (inputs: Readonly<Record<string, TensorType>>): Promise<Executable> => {
    const key = signature(inputs);
    const known = cache.get(key);
    if (known !== undefined) {
      const executable = await known.executable;
      if (!known.stale()) {
        cache.delete(key);
        cache.set(key, known);
        return executable;
      }
      executable.dispose();
    }
    const entry = build(inputs, key);
    cache.set(key, entry);
    if (known === undefined && cache.size === hintAtSignatures + 1) hint(name, [...cache.keys()]);
    for (const [oldest, old] of cache) {
      if (cache.size <= maxSignatures) break;
      cache.delete(oldest);
      disposeLater(old);
    }
    return entry.executable;
  };

  const call = async (inputs: Readonly<Record<string, HostTensor>> = {}) =>
    (await executableFor(inputs)).run(inputs);
  return Object.assign(call, {
    prepare: executableFor,
    graph: (inputs: Readonly<Record<string, TensorType>>) => traceFor(inputs).graph,
    dispose: () => {
      for (const entry of cache.values()) disposeLater(entry);
      cache.clear();
    },
  });
}

function signature(inputs: Readonly<Record<string, TensorType>>): string {
  return Object.entries(inputs)
    .map(([name, type]) => `${name}: ${formatType(type)}`)
    .join(', ');
}

/** A failed compile has nothing to dispose; whoever awaited it has seen the error. */
function disposeLater(entry: Entry): void {
  entry.executable.then(
    (executable) => executable.dispose(),
    () => undefined,
  );
}

function hint(name: string, signatures: readonly string[]): void {
  warn(
    `compile: ${name} was compiled for ${signatures.length} input signatures, which costs time and memory; ` +
      `pad inputs to a few sizes. The last: ${signatures.slice(-3).join(' | ')}`,
  );
}
