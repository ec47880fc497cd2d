/**
 * Registries: from a config's `{ type: 'ResNet', depth: 50 }` to an object.
 *
 * A registry is typed by an interface from type name to options, which other packages extend by declaration merging, so the
 * compiler checks configs; at start the schema given at registration checks them again and fills in defaults. `build` receives
 * options that have passed the schema.
 */

import { OmmaError } from '@omma/core';
import { z } from 'zod';
import { nearest } from './nearest.ts';

/** `{ type: name } & options` for every registered type of `Types`. */
export type TypedConfig<Types> = { [K in keyof Types & string]: { readonly type: K } & Types[K] }[keyof Types & string];

/** A registered type. `Parsed` is what the schema makes of the options: defaults filled in. */
interface Entry<Result> {
  readonly schema: z.ZodType;
  build(options: unknown): Result;
}

export class Registry<Types, Result> {
  /** What it holds, in messages: `backbone`, `data set`. */
  readonly kind: string;
  readonly #entries = new Map<string, Entry<Result>>();

  constructor(kind: string) {
    this.kind = kind;
  }

  /**
   * Adds a type. `schema` must be a strict object schema without the key `type`; what it parses is what `build` gets.
   * The last registration of a name wins, so that a user can replace a type.
   */
  register<K extends keyof Types & string, Parsed>(name: K, schema: z.ZodType<Parsed>, build: (options: Parsed) => Result): void {
    this.#entries.set(name, { schema, build: (options) => build(schema.parse(options)) });
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()].sort();
  }

  /** Builds what a checked config describes. */
  build(config: TypedConfig<Types>): Result {
    const { type, ...options } = config;
    const entry = this.#entries.get(type);
    if (entry === undefined) throw new OmmaError(this.#unknown(type));
    return entry.build(options);
  }

  /** A schema for `{ type, ...options }`: picks the options' schema by `type`, and returns the config with defaults filled in. */
  schema(): z.ZodType<TypedConfig<Types>> {
    return z.lazy(() =>
      z.unknown().transform((value, context): TypedConfig<Types> => {
        const parsed = this.#check(value, (issue) => context.issues.push(issue));
        // The record was checked against the schema registered under its `type`, which is what TypedConfig says.
        return parsed === null ? z.NEVER : (parsed as TypedConfig<Types>);
      }),
    );
  }

  #check(value: unknown, report: (issue: z.core.$ZodRawIssue) => void): object | null {
    const fail = (message: string, path: readonly PropertyKey[] = []) => {
      report({ code: 'custom', input: value, path: [...path], message });
      return null;
    };
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return fail(`expected a ${this.kind}: an object with a type`);
    }
    const { type, ...options } = { type: undefined, ...value };
    if (typeof type !== 'string') return fail(`expected one of ${this.names.join(', ')}`, ['type']);
    const entry = this.#entries.get(type);
    if (entry === undefined) return fail(this.#unknown(type), ['type']);
    const result = entry.schema.safeParse(options);
    if (result.success) return { type, ...z.record(z.string(), z.unknown()).parse(result.data) };
    for (const issue of result.error.issues) report({ ...issue, input: issue.input ?? value });
    return null;
  }

  #unknown(type: string): string {
    const close = nearest(type, this.names);
    const hint = close === null ? `known: ${this.names.join(', ')}` : `did you mean ${close}?`;
    return `no ${this.kind} is called ${JSON.stringify(type)}; ${hint}`;
  }
}
