/** The addons as TypeScript sees them, and finding them. Everything with a promise happens on the engine's own thread. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { HostArray, NativeCollectives } from '@omma/core';

/** What every engine offers. Dtypes and reductions by their place in core's lists. */
export interface NativeEngine {
  /** In place. */
  allReduce(data: HostArray, dtype: number, op: number): Promise<void>;
  /** In place. */
  broadcast(data: HostArray, root: number): Promise<void>;
  allGather(source: HostArray, target: HostArray): Promise<void>;
  reduceScatter(source: HostArray, target: HostArray, dtype: number, op: number): Promise<void>;
  barrier(): Promise<void>;
  /** Why nothing works any more; empty while it does. */
  failure(): string;
  table(): NativeCollectives;
  /** Ends what waits for other ranks; nothing works afterwards. */
  abort(reason: string): void;
}

export interface NativeShared extends NativeEngine {
  /** Where the others open the memory that this rank has made. */
  place(): string;
  /** Nobody else opens it from here on. */
  close(): void;
}

export interface SharedBinding {
  /** Makes memory called `name`, or opens what is called so at `place`; throws where there is none, as on another machine. */
  readonly Shared: new (
    rank: number,
    size: number,
    timeout: number,
    name: string,
    place: string | undefined,
  ) => NativeShared;
}

export interface NativeGloo extends NativeEngine {
  /** Where the others reach this rank. */
  addresses(): Uint8Array;
  connect(addresses: readonly Uint8Array[]): Promise<void>;
}

export interface GlooBinding {
  readonly Gloo: new (rank: number, size: number, timeout: number, host: string) => NativeGloo;
}

export interface NativeMpi extends NativeEngine {
  /** Initialises MPI. */
  start(): Promise<void>;
  /** After `start`. */
  readonly rank: number;
  readonly size: number;
  /** Leaves MPI; all ranks must. */
  finish(): Promise<void>;
}

export interface MpiBinding {
  readonly Mpi: new () => NativeMpi;
}

const loaded = new Map<string, unknown>();

/** The addon of an engine, or in one line why it cannot be used and what to do about it. `library` is Debian's name of what it is built with, where it needs one. */
export function loadAddon<T>(name: string, library?: string): T | string {
  // Where setup builds it: the same place seen from src and from dist.
  const path = fileURLToPath(new URL(`../native/build/omma_${name}.node`, import.meta.url));
  const hint = `${library === undefined ? '' : `install ${library} and `}run \`npm run build:native\` in the repository`;
  if (!existsSync(path)) return `its addon is not built; ${hint}`;
  try {
    const addon: T = loaded.get(name) ?? createRequire(import.meta.url)(path);
    loaded.set(name, addon);
    return addon;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return `its addon does not load (${reason}); ${hint}`;
  }
}
