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

/** Keys that the object schema at `path` knows; in a union, those of the alternative whose literals fit the value. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[], value: unknown): string[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodDefault
  ) {
    return keysAt(schema.def.innerType, path, value);
  }
  if (schema instanceof z.ZodDiscriminatedUnion || schema instanceof z.ZodUnion) {
    const fitting = schema.options.find((option: z.core.$ZodType) => fits(option, value));
    return fitting === undefined ? [] : keysAt(fitting, path, value);
  }
  const [head, ...rest] = path;
  if (schema instanceof z.ZodArray && head !== undefined)
    return keysAt(schema.element, rest, valueAt(value, [head]));
  if (!(schema instanceof z.ZodObject)) return [];
  if (head === undefined) return Object.keys(schema.shape);
  const child = schema.shape[String(head)];
  return child === undefined ? [] : keysAt(child, rest, valueAt(value, [head]));
}

/** True when an object schema's `type` accepts the value's. */
function fits(schema: z.core.$ZodType, value: unknown): boolean {
  if (!(schema instanceof z.ZodObject)) return false;
  const type: unknown = schema.shape.type;
  return type instanceof z.ZodType && type.safeParse(valueAt(value, ['type'])).success;
}
