/**
 * The schema of configs as JSON Schema, by which editors complete and check JSON and YAML files. Made from the schema that checks configs at start, with the
 * types that are registered at that moment; nothing is said twice.
 *
 * Registries are open, so for zod they are functions, of which it knows nothing. They describe themselves here (`describeAs`), as definitions that
 * refer to one another: a wrapper's data set may be a wrapper.
 */

import { z } from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Describes a schema that zod cannot: within `writer`, with `extra` properties beside its own. */
export type Describe = (writer: JsonSchemaWriter, extra: Readonly<Record<string, JsonSchema>>) => JsonSchema;

const described = new WeakMap<z.core.$ZodType, Describe>();

/** Says what `schema` is as JSON Schema; returns it. */
export function describeAs<S extends z.ZodType>(schema: S, describe: Describe): S {
  described.set(schema, describe);
  return schema;
}

/** `schema` as a definition of its own, `name`, which every place that has it refers to: for large ones in many places. */
export function sharedAs<S extends z.ZodType>(name: string, schema: S): S {
  return describeAs(schema.clone(), (writer) => writer.reference(name, () => writer.write(schema)));
}

/**
 * An object whose `type` says which of `options` its other properties are. Not `anyOf`, by which one wrong key would be a mistake of every alternative;
 * `properties` are those of all types.
 */
export function alternatives(
  properties: Readonly<Record<string, JsonSchema>>,
  options: readonly (readonly [types: readonly string[], options: JsonSchema])[],
): JsonSchema {
  return {
    type: 'object',
    properties,
    required: ['type'],
    allOf: options.map(([types, own]) => ({
      if: { properties: { type: { enum: types } }, required: ['type'] },
      // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
      then: own,
    })),
  };
}

/** The same schema with every union of objects that their `type` tells apart as `alternatives`. */
function byType(schema: JsonSchema): JsonSchema {
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      Array.isArray(value)
        ? value.map((item) => (isObject(item) ? byType(item) : item))
        : isObject(value)
          ? byType(value)
          : value,
    ]),
  );
  for (const word of ['oneOf', 'anyOf']) {
    const { [word]: union, ...rest } = inner;
    if (!Array.isArray(union) || !union.every(isObject)) continue;
    const [only] = union;
    if (union.length === 1 && only !== undefined) return { ...rest, ...only };
    const options = union.map((option) => [typeNames(option), option] as const);
    if (union.length > 1 && options.every(([types]) => types.length > 0))
      return { ...rest, ...alternatives({ type: { enum: options.flatMap(([types]) => types) } }, options) };
  }
  return inner;
}

/** The values that `type` may have in an object of this schema; none where it may be missing. */
function typeNames({ properties, required }: JsonSchema): string[] {
  const type = isObject(properties) ? properties.type : undefined;
  if (!isObject(type) || !Array.isArray(required) || !required.includes('type')) return [];
  const values: unknown[] = Array.isArray(type.enum) ? type.enum : [type.const];
  return values.filter((value) => typeof value === 'string');
}

/** Writes one document. */
export class JsonSchemaWriter {
  readonly definitions: Record<string, JsonSchema> = {};

  /** `schema`, with `extra` properties where it describes itself. */
  write(schema: z.core.$ZodType, extra: Readonly<Record<string, JsonSchema>> = {}): JsonSchema {
    const describe = described.get(schema);
    if (describe !== undefined) return describe(this, extra);
    const { $schema: _, ...written } = z.toJSONSchema(schema, {
      target: 'draft-7',
      io: 'input',
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => {
        const own = described.get(zodSchema);
        if (own === undefined) return;
        for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
        Object.assign(jsonSchema, own(this, {}));
      },
    });
    return byType(written);
  }

  /** A reference to the definition `name`, which `define` makes when it is first asked for. */
  reference(name: string, define: () => JsonSchema): JsonSchema {
    if (!(name in this.definitions)) {
      this.definitions[name] = {};
      this.definitions[name] = define();
    }
    return { $ref: `#/definitions/${name}` };
  }
}

/**
 * The JSON Schema of config files. One with `extends` says only what differs from its bases: there nothing is required, and objects may have
 * `_delete_`. One with `_base_` is OpenMMLab's, and has other names: there anything goes.
 */
export function jsonSchemaOf(
  schema: z.ZodType,
  describe: (schema: JsonSchema) => JsonSchema = (written) => written,
): JsonSchema {
  const writer = new JsonSchemaWriter();
  const whole = withProperties(describe(writer.write(schema)), { $schema: { type: 'string' } });
  const bases = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };
  const { definitions } = writer;
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Omma config',
    if: { required: ['_base_'] },
    else: {
      if: { required: ['extends'] },
      // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
      then: { $ref: '#/definitions/part_of_config' },
      else: { $ref: '#/definitions/config' },
    },
    definitions: {
      config: whole,
      part_of_config: withProperties(partOf(whole), { extends: bases }),
      ...definitions,
      ...Object.fromEntries(
        Object.entries(definitions).map(([name, definition]) => [`part_of_${name}`, partOf(definition)]),
      ),
    },
  };
}

function withProperties(schema: JsonSchema, more: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const { properties } = schema;
  return { ...schema, properties: { ...(isObject(properties) ? properties : {}), ...more } };
}

/** The same with nothing required, and `_delete_` in every object. */
function partOf(schema: JsonSchema): JsonSchema {
  const { required: _, allOf, ...rest } = schema;
  if (Array.isArray(allOf) && allOf.every(isObject)) return partOfAlternatives(rest, allOf);
  const part = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, partIn(key, value)]));
  return isObject(part.properties) ? withProperties(part, { _delete_: { type: 'boolean' } }) : part;
}

/** Where the base says the type, the options may be those of any. */
function partOfAlternatives(rest: JsonSchema, choices: readonly JsonSchema[]): JsonSchema {
  const options = choices.map(({ then }) => partOf(isObject(then) ? then : {}));
  return {
    ...partOf(rest),
    if: { required: ['type'] },
    // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
    then: { allOf: choices.map((choice, i) => ({ if: choice.if, then: options[i] })) },
    else: { anyOf: options },
  };
}

function partIn(key: string, value: unknown): unknown {
  if (key === '$ref') return String(value).replace('#/definitions/', '#/definitions/part_of_');
  // A list replaces the base's, so its items are whole.
  if (key === 'items') return value;
  if (key === 'properties' && isObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, isObject(item) ? partOf(item) : item]),
    );
  if (Array.isArray(value)) return value.map((item) => (isObject(item) ? partOf(item) : item));
  return isObject(value) ? partOf(value) : value;
}

export function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
