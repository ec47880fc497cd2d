/**
 * The transforms that a config can name, Omma's and your own:
 *
 *     declare module '@omma/cv' {
 *       interface TransformTypes { Invert: { readonly probability?: number } }
 *     }
 *     registerTransform('Invert', {
 *       module: import.meta.url,
 *       schema: z.strictObject({ probability: z.number().min(0).max(1).default(0.5) }),
 *       build: ({ probability }) => ({ pixels: ({ data }, random) => { ... } }),
 *     });
 *
 * Worker threads import `module` before they open a data set that names the type, so it is known there too.
 */

import { fileURLToPath } from 'node:url';
import { OmmaError } from '@omma/core';
import type { z } from 'zod';
import type { Transform } from './transform.ts';

/** By name, the options of each. Other packages add theirs by declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by `register.ts` and others
export interface TransformTypes {}

/** `{ type: name } & options` of every transform. */
export type TransformOptions = {
  [K in keyof TransformTypes & string]: { readonly type: K } & TransformTypes[K];
}[keyof TransformTypes & string];

export interface TransformRegistration<Parsed> {
  /** The URL of the module that makes this call, for worker threads; left out by those that are always there. */
  readonly module?: string;
  /** Of the options without `type`, strict; `build` gets what it parses. */
  readonly schema: z.ZodType<Parsed>;
  build(options: Parsed): Transform;
}

interface Entry {
  readonly module: string | null;
  /** The module's file, for lists of what is registered. */
  readonly declaredAt?: string;
  readonly schema: z.ZodType;
  build(options: unknown): Transform;
}

/** What is registered, for whoever checks configs. */
export const transformEntries = new Map<string, Entry>();

/** Adds a type of transform. The last registration of a name wins, so that a user can replace one. */
export function registerTransform<K extends keyof TransformTypes & string, Parsed>(
  name: K,
  { module, schema, build }: TransformRegistration<Parsed>,
): void {
  transformEntries.set(name, {
    module: module ?? null,
    ...(module?.startsWith('file:') === true ? { declaredAt: fileURLToPath(module) } : {}),
    schema,
    build: (options) => {
      const read = schema.safeParse(options);
      if (read.success) return build(read.data);
      const [issue] = read.error.issues;
      const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
      throw new OmmaError(`transform ${name}: ${where}${issue?.message}`);
    },
  });
}

/** The transform that a config object describes. */
export function buildTransform({ type, ...options }: TransformOptions): Transform {
  return entryOf(type).build(options);
}

/** The modules that a thread must import to know these transforms. */
export function modulesOf(list: readonly TransformOptions[]): string[] {
  return [...new Set(list.flatMap(({ type }) => entryOf(type).module ?? []))];
}

function entryOf(type: string): Entry {
  const entry = transformEntries.get(type);
  if (entry !== undefined) return entry;
  throw new OmmaError(
    `transform ${type} is not known; import the module that registers it (known: ${[...transformEntries.keys()].sort().join(', ')})`,
  );
}
