/**
 * Reads the attributes of a node, which are plain JSON in the graph, as the type that a rule expects.
 *
 * The op table checked them when the graph was traced, so a wrong type here is a defect of ours and throws a plain Error.
 */

import type { Attributes, AttributeValue } from '@omma/core';

export function numberAttribute(attrs: Attributes, name: string): number {
  const value = attrs[name];
  if (typeof value === 'number') return value;
  if (value === 'Infinity' || value === '-Infinity' || value === 'NaN') return Number(value);
  return wrong(name, 'a number', value);
}

export function numbersAttribute(attrs: Attributes, name: string): number[] {
  const value = attrs[name];
  if (!isList(value)) return wrong(name, 'a list of numbers', value);
  return value.map((element) =>
    typeof element === 'number' ? element : wrong(name, 'a list of numbers', value),
  );
}

/** The two numbers of an attribute such as a stride: vertical, horizontal. */
export function pairAttribute(attrs: Attributes, name: string): [number, number] {
  const [vertical, horizontal] = numbersAttribute(attrs, name);
  if (vertical === undefined || horizontal === undefined) return wrong(name, 'two numbers', attrs[name]);
  return [vertical, horizontal];
}

export interface Pads {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** Padding as the op table stores it: top, left, bottom, right. */
export function padsAttribute(attrs: Attributes, name: string): Pads {
  const [top = 0, left = 0, bottom = 0, right = 0] = numbersAttribute(attrs, name);
  return { top, left, bottom, right };
}

export function textAttribute(attrs: Attributes, name: string): string {
  const value = attrs[name];
  return typeof value === 'string' ? value : wrong(name, 'text', value);
}

export function flagAttribute(attrs: Attributes, name: string): boolean {
  const value = attrs[name];
  return typeof value === 'boolean' ? value : wrong(name, 'true or false', value);
}

/** A list whose elements are lists of numbers, such as the pads of every axis. */
export function numberListsAttribute(attrs: Attributes, name: string): number[][] {
  const value = attrs[name];
  if (!isList(value)) return wrong(name, 'a list of lists', value);
  return value.map((inner) => numbersAttribute({ inner }, 'inner'));
}

function isList(value: AttributeValue | undefined): value is readonly AttributeValue[] {
  return Array.isArray(value);
}

function wrong(name: string, expected: string, value: AttributeValue | undefined): never {
  throw new Error(`attribute ${name} must be ${expected} but is ${JSON.stringify(value)}`);
}
