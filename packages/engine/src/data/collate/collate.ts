/**
 * How samples become one batch: PyTorch's `collate_fn`, MMEngine's `FUNCTIONS`. Those that come with Omma (`stack.ts`, `pad.ts`) are written as your own are:
 *
 *     declare module '@omma/engine' {
 *       interface CollateTypes { KeepLargest: { readonly count: number } }
 *     }
 *     registerCollate('KeepLargest', {
 *       module: import.meta.url,
 *       schema: z.strictObject({ count: z.int().positive() }),
 *       build: ({ count }) => ({ collate: (samples, batch) => ({ ... }) }),
 *     });
 *
 * It runs where the samples are loaded. Worker threads import `module` before they open a data loader that names the type, so it is known there too.
 */

import { fileURLToPath } from 'node:url';
import type { DType, HostTensor, Shape } from '@omma/core';
import type { z } from 'zod';
import { callerOf } from '../../config/caller.ts';
import { Registry, type RegistryEntry, type TypedConfig } from '../../config/registry.ts';
import type { Sample } from '../types.ts';

export interface Collate {
  /**
   * Samples are written to their rows of the batch as they are loaded (`SampleContext.allocate`), where `stack` finds them: for samples of one shape,
   * which are then not copied. The arrays of the samples are parts of the batch's. False unless given: each sample has arrays of its own.
   */
  readonly inPlace?: boolean;
  /**
   * The tensors of a batch by name, each with the batch axis in front, as long as `samples`. In evaluation the samples at the end may be the first one again:
   * they fill a batch up and do not count. Throw an OmmaError for what the user can mend.
   */
  collate(samples: readonly Sample[], batch: CollateContext): Readonly<Record<string, HostTensor>>;
}

/** What a collate may ask for. */
export interface CollateContext {
  /** True for the training loader. */
  readonly training: boolean;
  /** A tensor of zeros, in memory of an earlier batch where that fits. The loader takes it back: keep none of it. */
  tensor(dtype: DType, shape: Shape): HostTensor;
  /** The tensors of the samples, or those of these names, with the batch axis in front: PyTorch's `default_collate`. Throws an OmmaError where shapes differ. */
  stack(samples: readonly Sample[], names?: readonly string[]): Record<string, HostTensor>;
  /** A uniform random number in [0, 1), fixed by seed, epoch and the batch's first sample: the same in any thread and after a resume. */
  random(): number;
  /** The name of a sample, for messages: its file. */
  readonly nameOf: (sample: Sample) => string;
}

/** By name, the options of each. Other packages add theirs by declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by `stack.ts`, `pad.ts` and others
export interface CollateTypes {}

export type CollateConfig = TypedConfig<CollateTypes>;

export interface CollateRegistration<Parsed> {
  /** The URL of the module that makes this call, for worker threads; left out by those that are always there. */
  readonly module?: string;
  /** Of the options without `type`, strict; `build` gets what it parses. */
  readonly schema: z.ZodType<Parsed>;
  /** Called once in each thread. */
  build(options: Parsed): Collate;
}

const entries = new Map<string, RegistryEntry<Collate>>();
const modules = new Map<string, string>();

export const collates = new Registry<CollateTypes, Collate>('collate', entries);

/** Adds a type of collate. The last registration of a name wins, so that a user can replace one. */
export function registerCollate<K extends keyof CollateTypes & string, Parsed>(
  name: K,
  { module, schema, build }: CollateRegistration<Parsed>,
): void {
  if (module === undefined) modules.delete(name);
  else modules.set(name, module);
  const declaredAt =
    module?.startsWith('file:') === true ? fileURLToPath(module) : callerOf('registerCollate');
  entries.set(name, {
    schema,
    build: (options) => build(schema.parse(options)),
    ...(declaredAt === null ? {} : { declaredAt }),
  });
}

/** The modules that a thread must import to know a collate. */
export function modulesOfCollate({ type }: CollateConfig): string[] {
  const module = modules.get(type);
  return module === undefined ? [] : [module];
}
