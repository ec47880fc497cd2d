/**
 * What is wrong with a value, in words: all of it at once, each with its path, the value found, what was expected, and the nearest
 * known name of a misspelt key.
 */

import { z } from 'zod';
import { nearest } from './nearest.ts';

export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
  readonly message: string;
  /** The path of what asks for the value, where the value itself is missing and so has no place. */
  readonly cause?: readonly PropertyKey[];
}

/** Everything that `schema` has against `value`. */
export function problemsOf(schema: z.ZodType, value: unknown): Problem[] {
  const result = schema.safeParse(value);
  return result.success ? [] : result.error.issues.flatMap((issue) => explain(issue, schema, value));
}

/** Tells what set the value at a path: `configs/base.json:12`; null when nothing more is known. */
export type PlaceOf = (path: readonly PropertyKey[]) => string | null;

/** Characters of a path or a setting that a message quotes. */
export const longestPath = 300;

/** `model.backbone.depth is 19: expected 18, 34, 50, 101 or 152 (configs/base.json:12)` */
export function formatProblem({ path, value, message }: Problem, place: string | null = null): string {
  return `${shortened(formatPath(path), longestPath)} is ${formatValue(value)}: ${message}${place === null ? '' : ` (${place})`}`;
}

function explain(issue: z.core.$ZodIssue, schema: z.ZodType, root: unknown): Problem[] {
  const value = valueAt(root, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path, root);
    return issue.keys.map((key) => {
      const close = nearest(key, known);
      const hint = close === null ? `known keys: ${known.join(', ')}` : `did you mean ${close}?`;
      return { path: [...issue.path, key], value: valueAt(value, [key]), message: `unknown key; ${hint}` };
    });
  }
  if (issue.code === 'invalid_union') {
    const union = schemaAt(schema, issue.path, root);
    const meant = union === null ? null : chosenOf(union, value);
    if (meant instanceof z.ZodObject || meant instanceof z.ZodArray)
      return problemsOf(meant, value).map((problem) => ({
        ...problem,
        path: [...issue.path, ...problem.path],
      }));
  }
  return [{ path: issue.path, value, message: expectation(issue, value) }];
}

function expectation(issue: z.core.$ZodIssue, value?: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeNames[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}${hintFor(value, issue.values)}`;
    case 'too_small':
      return `expected ${sized(issue.origin, issue.inclusive === false ? 'above' : 'at least', issue.minimum)}`;
    case 'too_big':
      return `expected ${sized(issue.origin, issue.inclusive === false ? 'below' : 'at most', issue.maximum)}`;
    case 'invalid_union':
      return unionExpectation(issue, value);
    default:
      return issue.message;
  }
}

/** zod's words for types where they are not everybody's. */
const typeNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  array: 'a list',
  object: 'an object',
};

/** The nearest of the legal words, when `value` looks like a misspelt one. */
function hintFor(value: unknown, legal: readonly unknown[]): string {
  const close = typeof value === 'string' ? nearest(value, legal.map(String)) : null;
  return close === null ? '' : `; did you mean ${close}?`;
}

function sized(origin: string, relation: string, bound: number | bigint): string {
  if (origin === 'array') return `${relation} ${bound} entries`;
  if (origin === 'string') return `${relation} ${bound} characters`;
  return `a number ${relation} ${bound}`;
}

function unionExpectation(issue: z.core.$ZodIssueInvalidUnion, value: unknown): string {
  const options = 'options' in issue ? issue.options : undefined;
  if (options !== undefined && options.length > 0)
    return `expected one of ${listed(options.map(String))}${hintFor(value, options)}`;
  const alternatives = issue.errors.flatMap((errors) =>
    errors.slice(0, 1).map((error) => expectation(error)),
  );
  const unique = [...new Set(alternatives.map((text) => text.replace(/^expected /, '')))];
  return unique.length === 0 ? issue.message : `expected ${unique.join(' or ')}`;
}

/** The first of many names. */
export function listed(names: readonly string[], most = 16): string {
  return names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most - 5).join(', ')} and ${names.length - most + 5} more`;
}

/** `trainDataloader.dataset.pipeline[0].type` */
export function formatPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the config';
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

/** A value in a message: JSON, cut where it is long. */
export function formatValue(value: unknown): string {
  if (value === undefined) return 'missing';
  return shortened(JSON.stringify(value) ?? String(value), 60);
}

/** `text`, cut to `most` characters: what a message quotes need not be whole to be recognised. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 3)}...`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null) return undefined;
    return Reflect.get(value, key);
  }, root);
}

/** Keys that the object schema at `path` knows; in a union, those of the alternative that fits the value. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[], value: unknown): string[] {
  const found = schemaAt(schema, path, value);
  const chosen = found === null ? null : chosenOf(found, valueAt(value, path));
  return chosen instanceof z.ZodObject ? Object.keys(chosen.shape) : [];
}

/** The schema of what lies at `path` of `value`; null where the schemas do not tell. */
function schemaAt(
  schema: z.core.$ZodType,
  path: readonly PropertyKey[],
  value: unknown,
): z.core.$ZodType | null {
  const [head, ...rest] = path;
  if (head === undefined) return schema;
  const chosen = chosenOf(schema, value);
  const child = chosen === null ? undefined : childOf(chosen, head);
  return child === undefined ? null : schemaAt(child, rest, valueAt(value, [head]));
}

function childOf(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodArray) return schema.element;
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return schema instanceof z.ZodObject ? schema.shape[String(key)] : undefined;
}

/** The schema inside what makes it optional and, of a union's alternatives, the one that fits the value; null for none. */
function chosenOf(schema: z.core.$ZodType, value: unknown): z.core.$ZodType | null {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodDefault
  ) {
    return chosenOf(schema.def.innerType, value);
  }
  return schema instanceof z.ZodUnion ? alternativeFor(schema, value) : schema;
}

/** Of a union's alternatives the list for a list; for an object, of those whose `type` is the value's, the one that knows most of its keys. */
function alternativeFor(union: z.ZodUnion, value: unknown): z.core.$ZodType | null {
  if (typeof value !== 'object' || value === null) return null;
  const options = union.options.flatMap((option) => chosenOf(option, value) ?? []);
  if (Array.isArray(value)) return options.find((option) => option instanceof z.ZodArray) ?? null;
  const known = (option: z.ZodObject) => Object.keys(value).filter((key) => key in option.shape).length;
  const fitting = options
    .filter((option) => option instanceof z.ZodObject)
    .filter((option) => fits(option, value));
  return fitting.toSorted((a, b) => known(b) - known(a))[0] ?? null;
}

/** True when an object schema's `type`, where it has one, accepts the value's. */
function fits(schema: z.ZodObject, value: object): boolean {
  const type: unknown = schema.shape.type;
  if (!(type instanceof z.ZodType)) return true;
  return 'type' in value ? type.safeParse(value.type).success : type instanceof z.ZodExactOptional;
}
