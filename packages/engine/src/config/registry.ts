/**
 * Registries: from a config's `{ type: 'ResNet', depth: 50 }` to an object.
 *
 * A registry is typed by an interface from type name to options, which other packages extend by declaration merging, so the
 * compiler checks configs; at start the schema given at registration checks them again. `build` receives what the schema made of
 * the options, with its defaults filled in.
 */

import { OmmaError } from '@omma/core';
import { z } from 'zod';
import { callerOf } from './caller.ts';
import { alternatives, describeAs, type JsonSchema, type JsonSchemaWriter } from './jsonSchema.ts';
import { nearest } from './nearest.ts';
import { listed, problemsOf } from './problems.ts';

/** `{ type: name } & options` for every registered type of `Types`. */
export type TypedConfig<Types> = {
  [K in keyof Types & string]: { readonly type: K } & Types[K];
}[keyof Types & string];

/** A type as a registry keeps it. */
export interface RegistryEntry<Result> {
  readonly schema: z.ZodType;
  build(options: unknown): Result;
  /** The file that registered it, where that is known. */
  readonly declaredAt?: string;
}

/** A registered type, for people who look what there is. */
export interface RegisteredType {
  /** Of its registry: `backbone`. */
  readonly kind: string;
  readonly name: string;
  /** The file that registered it; null where that is not known. */
  readonly declaredAt: string | null;
}

const registries = new Map<string, { readonly types: readonly RegisteredType[] }>();

/** Every type of every registry that is loaded: MMEngine's `traverse_registry_tree`. */
export function registeredTypes(): RegisteredType[] {
  return [...registries.values()].flatMap(({ types }) => types);
}

export class Registry<Types, Result> {
  /** What it holds, in messages: `backbone`, `data set`. */
  readonly kind: string;
  readonly #entries: Map<string, RegistryEntry<Result>>;

  /** `entries` are those of a package below the engine that builds its types itself; what is registered there is known here. */
  constructor(kind: string, entries: Map<string, RegistryEntry<Result>> = new Map()) {
    this.kind = kind;
    this.#entries = entries;
    registries.set(kind, this);
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
    const declaredAt = callerOf('Registry.register');
    this.#entries.set(name, {
      schema,
      build: (options) => build(schema.parse(options)),
      ...(declaredAt === null ? {} : { declaredAt }),
    });
  }

  get types(): readonly RegisteredType[] {
    const { kind } = this;
    return this.names.map((name) => ({
      kind,
      name,
      declaredAt: this.#entries.get(name)?.declaredAt ?? null,
    }));
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
    const checked = z.custom<TypedConfig<Types>>().superRefine((value: unknown, context) => {
      const report = (message: string, path: readonly PropertyKey[], input: unknown) =>
        context.addIssue({ code: 'custom', message, path: [...path], input });
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        report(`expected ${this.#one}: an object with a type, ${this.#known}`, [], value);
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
    return describeAs(checked, (writer, extra) => this.#described(writer, extra));
  }

  /** The types' names, and for each type its options: an editor that knows the name tells of these alone. */
  #described(writer: JsonSchemaWriter, extra: Readonly<Record<string, JsonSchema>>): JsonSchema {
    const name = [this.kind, ...Object.keys(extra)].join(' with ').replaceAll(' ', '_');
    // Nothing is known of a registry before a type is in it.
    if (this.names.length === 0) return {};
    return writer.reference(name, () => {
      const properties = { type: { enum: this.names }, ...extra };
      return alternatives(
        properties,
        this.names.map((type) => {
          const { properties: own, ...rest } = writer.write(this.#entries.get(type)?.schema ?? z.never());
          return [
            [type],
            { ...rest, properties: { ...properties, ...(typeof own === 'object' ? own : {}) } },
          ];
        }),
      );
    });
  }

  #unknown(type: unknown): string {
    const close = typeof type === 'string' ? nearest(type, this.names) : null;
    const hint = close === null ? '' : `; did you mean ${close}?`;
    return `expected ${this.#one}, ${this.#known}${hint}`;
  }

  /** Some registries have only types of users'. */
  get #known(): string {
    return this.names.length > 0
      ? `one of ${listed(this.names)}`
      : 'but none is registered; import the module that registers yours into the config (docs/data.md, Wrappers, has an example)';
  }

  get #one(): string {
    return `${/^[aeiou]/.test(this.kind) ? 'an' : 'a'} ${this.kind}`;
  }
}
