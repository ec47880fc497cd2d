/**
 * The addon as TypeScript sees it, and finding it. Handles are opaque; everything with a promise happens on the device's own thread.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Attributes, Graph, HostArray, NativeCollectives, TensorType } from '@omma/core';

declare const bufferHandle: unique symbol;
declare const executableHandle: unique symbol;
export interface BufferHandle {
  readonly [bufferHandle]: true;
}
export interface ExecutableHandle {
  readonly [executableHandle]: true;
}

/** One step of a program, as the addon reports it. */
export interface StepProfile {
  readonly op: string;
  readonly scope: string;
  /** What oneDNN calls its implementation; empty for other kernels. */
  readonly detail: string;
  readonly milliseconds: number;
  readonly bytes: number;
  readonly flops: number;
  readonly runs: number;
}

export interface NativeDevice {
  /** Empty, or why the addon has no kernel for such a node. */
  refuse(
    op: string,
    attrs: Attributes,
    inputs: readonly TensorType[],
    outputs: readonly TensorType[],
  ): string;
  allocate(type: TensorType): BufferHandle;
  free(buffer: BufferHandle): void;
  upload(buffer: BufferHandle, data: HostArray): Promise<void>;
  download(buffer: BufferHandle, into: HostArray): Promise<void>;
  compile(
    graph: Graph,
    state: readonly BufferHandle[],
    profile: boolean,
  ): Promise<{ handle: ExecutableHandle; bytes: number }>;
  run(handle: ExecutableHandle, inputs: readonly HostArray[], outputs: readonly HostArray[]): Promise<void>;
  release(handle: ExecutableHandle): void;
  profile(handle: ExecutableHandle): readonly StepProfile[];
  memory(): { live: number; peak: number };
  synchronize(): Promise<void>;
  /** Collectives go through this engine from now on. `sameLayouts`: all ranks have the same processor and library. */
  attach(engine: NativeCollectives, sameLayouts: boolean): Promise<void>;
  /** In place; `op` by its place in core's list. */
  allReduce(buffer: BufferHandle, op: number): Promise<void>;
  broadcast(buffer: BufferHandle, root: number): Promise<void>;
  allGather(source: BufferHandle, target: BufferHandle): Promise<void>;
  reduceScatter(source: BufferHandle, target: BufferHandle, op: number): Promise<void>;
  barrier(): Promise<void>;
  dispose(): void;
}

export interface Binding {
  readonly Device: new (threads: number) => NativeDevice;
  /** Version of oneDNN, for example `2.6.3`. */
  readonly onednn: string;
  /** Instruction set that oneDNN uses. */
  readonly isa: string;
  /** True where bfloat16 runs at full speed. */
  readonly bfloat16: boolean;
  /** True where weight gradients of bfloat16 convolutions have a kernel of our own: with AVX-512 BF16, and without AMX. */
  readonly packedWeightGradient: boolean;
}

/** Where setup builds it (the same place seen from src and from dist), unless `OMMA_CPU_ADDON` names another build. */
const path =
  process.env.OMMA_CPU_ADDON ?? fileURLToPath(new URL('../native/build/omma_cpu.node', import.meta.url));
let loaded: Binding | string | undefined;

/** The addon, or in one line why it cannot be used and what to do about it. */
export function loadBinding(): Binding | string {
  loaded ??= load();
  return loaded;
}

/**
 * How long OpenMP's threads spin at a barrier before they sleep, in rounds of a loop: 20 ms or so, which outlasts nearly every barrier of a
 * step. On two cores a ResNet-18 step took 700 ms with 20,000 rounds, 649 with these and 628 with five times as many, and a training run
 * with its data loader 42 against 45 images a second. Beside other busy programs fewer are better: set GOMP_SPINCOUNT. libgomp reads
 * the environment when the addon loads it; what the user has set stays.
 */
const spinRounds = '2000000';

function load(): Binding | string {
  if (process.env.OMP_WAIT_POLICY === undefined) process.env.GOMP_SPINCOUNT ??= spinRounds;
  if (!existsSync(path)) return 'its addon is not built; run `npm run build:native` in the repository';
  try {
    const binding: Binding = createRequire(import.meta.url)(path);
    return binding;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return `its addon does not load (${reason}); run \`npm run build:native\` in the repository`;
  }
}
