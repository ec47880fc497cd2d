/** Reading JSON that somebody else wrote: every access says what was expected and where. */

import { OmmaError, sizeOf } from '@omma/core';

/** What is wrong with a golden file, in one line. */
export class GoldenFileError extends OmmaError {
  override name = 'GoldenFileError';
}

export type JsonObject = { readonly [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asObject(value: unknown, path: string): JsonObject {
  if (!isObject(value)) throw new GoldenFileError(`${path}: expected an object but found ${describe(value)}`);
  return value;
}

export function asList(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value))
    throw new GoldenFileError(`${path}: expected a list but found ${describe(value)}`);
  return value;
}

export function asString(value: unknown, path: string): string {
  if (typeof value !== 'string')
    throw new GoldenFileError(`${path}: expected text but found ${describe(value)}`);
  return value;
}

/** A number; `NaN`, `Infinity` and `-Infinity` may be given as text, and null is NaN. */
export function asNumber(value: unknown, path: string): number {
  if (typeof value === 'number') return value;
  if (value === null) return Number.NaN;
  if (typeof value === 'string' && ['NaN', 'Infinity', '-Infinity'].includes(value)) return Number(value);
  throw new GoldenFileError(`${path}: expected a number but found ${describe(value)}`);
}

export function asNumbers(value: unknown, path: string): number[] {
  return asList(value, path).map((element, i) => asNumber(element, `${path}[${i}]`));
}

/** The extents of a tensor. Refused beyond `maxElements`: a file must not decide how much memory is taken. */
export function asShape(value: unknown, path: string): number[] {
  const shape = asList(value, path).map((extent, i) => asCount(extent, `${path}[${i}]`));
  if (sizeOf(shape) <= maxElements) return shape;
  throw new GoldenFileError(`${path}: expected at most ${maxElements} elements but found ${describe(value)}`);
}

const maxElements = 2 ** 27;

/** A whole number, 0 or more. */
export function asCount(value: unknown, path: string): number {
  const number = asNumber(value, path);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new GoldenFileError(`${path}: expected a whole number but found ${describe(value)}`);
}

/** True or false, also as 1 or 0. */
export function asFlag(value: unknown, path: string): boolean {
  if (value === true || value === 1) return true;
  if (value === false || value === 0) return false;
  throw new GoldenFileError(`${path}: expected true or false but found ${describe(value)}`);
}

/** A nested list of numbers, flat, with its shape. A number alone is a scalar. */
export function asArray(value: unknown, path: string): { shape: number[]; data: number[] } {
  if (!Array.isArray(value)) return { shape: [], data: [asNumber(value, path)] };
  const parts = value.map((element, i) => asArray(element, `${path}[${i}]`));
  const inner = parts[0]?.shape ?? [];
  if (parts.some(({ shape }) => shape.join() !== inner.join())) {
    throw new GoldenFileError(`${path}: the rows of a nested list must have one length`);
  }
  return { shape: [parts.length, ...inner], data: parts.flatMap(({ data }) => data) };
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
