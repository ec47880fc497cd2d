/**
 * Registries: from a config's `{ type: 'ResNet', depth: 50 }` to an object.
 *
 * A registry is typed by an interface from type name to options, which other packages extend by declaration merging, so the
 * compiler checks configs; at start the schema given at registration checks them again. `build` receives what the schema made of
 * the options, with its defaults filled in.
 */

import { OmmaError } from '@omma/core';
import { z } from 'zod';
import { nearest } from './nearest.ts';
import { problemsOf } from './problems.ts';

/** `{ type: name } & options` for every registered type of `Types`. */
export type TypedConfig<Types> = {
  [K in keyof Types & string]: { readonly type: K } & Types[K];
}[keyof Types & string];

interface Entry<Result> {
  readonly schema: z.ZodType;
  build(options: unknown): Result;
}

export class Registry<Types, Result> {
  /** What it holds, in messages: `backbone`, `data set`. */
  readonly kind: string;
  readonly #entries: Map<string, Entry<Result>>;

  /** `entries` are those of a package below the engine that builds its types itself; what is registered there is known here. */
  constructor(kind: string, entries: Map<string, Entry<Result>> = new Map()) {
    this.kind = kind;
    this.#entries = entries;
  }

  /**
   * Adds a type. `schema` must be a strict object schema without the key `type`; what it parses is what `build` gets.
   * The last registration of a name wins, so that a user can replace a type.
   */
  register<K extends keyof Types & string, Parsed>(
    name: K,
    schema: z.ZodType<Parsed>,
    build: (options: Parsed) => Result,
  ): void {
    this.#entries.set(name, { schema, build: (options) => build(schema.parse(options)) });
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()].sort();
  }

  /** Builds what a checked config describes. */
  build(config: TypedConfig<Types>): Result {
    const { type, ...options } = config;
    const entry = this.#entries.get(type);
    if (entry === undefined) throw new OmmaError(`${this.kind}: ${this.#unknown(type)}`);
    return entry.build(options);
  }

  /** A schema for `{ type, ...options }` that picks the options' schema by `type`, also for types registered later. */
  schema(): z.ZodType<TypedConfig<Types>> {
    return z.custom<TypedConfig<Types>>().superRefine((value: unknown, context) => {
      const report = (message: string, path: readonly PropertyKey[], input: unknown) =>
        context.addIssue({ code: 'custom', message, path: [...path], input });
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        report(`expected a ${this.kind}: an object with a type, one of ${this.names.join(', ')}`, [], value);
        return;
      }
      const { type, ...options } = { type: undefined, ...value };
      const entry = typeof type === 'string' ? this.#entries.get(type) : undefined;
      if (entry === undefined) {
        report(this.#unknown(type), ['type'], type);
        return;
      }
      for (const problem of problemsOf(entry.schema, options))
        report(problem.message, problem.path, problem.value);
    });
  }

  #unknown(type: unknown): string {
    const close = typeof type === 'string' ? nearest(type, this.names) : null;
    const hint = close === null ? '' : `; did you mean ${close}?`;
    return `expected a ${this.kind}, one of ${this.names.join(', ')}${hint}`;
  }
}
