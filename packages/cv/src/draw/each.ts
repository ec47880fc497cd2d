/** Options of several shapes: one value for all, or one for each. */

import { OmmaError } from '@omma/core';

export type Each<T> = T | readonly T[];

/** The value of the shape `i`. Throws OmmaError when a list has not one for each of `count`. */
export function eachOf<T>(call: string, name: string, given: Each<T>, count: number): (i: number) => T {
  if (!isList(given)) return () => given;
  if (given.length !== count)
    throw new OmmaError(
      `drawing: ${call} has ${count} shapes but ${name} has ${given.length} values; give one for all, or one for each`,
    );
  return (i) => {
    const value = given[i];
    if (value === undefined) throw new OmmaError(`drawing: ${call} has no ${name} for shape ${i}`);
    return value;
  };
}

/** Attributes of an SVG element. Throws OmmaError for a number that is not finite. */
export function part(numbers: Readonly<Record<string, number>>): string {
  return Object.entries(numbers)
    .map(([name, value]) => {
      if (!Number.isFinite(value))
        throw new OmmaError(`drawing: expected a finite number as ${name} but found ${value}`);
      return `${name}="${value}"`;
    })
    .join(' ');
}

function isList<T>(given: Each<T>): given is readonly T[] {
  return Array.isArray(given);
}
