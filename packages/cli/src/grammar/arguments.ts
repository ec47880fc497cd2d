/** How options of the command line are read: numbers and lists, refused with a line that says what is expected. */

import { InvalidArgumentError } from 'commander';

/** An option that may be given more than once. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be a number from 0 to below 1.');
}

export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= 0xffffffff) return value;
    throw new InvalidArgumentError(`It must be a whole number, at least ${least}.`);
  };
}

export function wholeNumbers(text: string): number[] {
  return text.split(',').map(wholeNumber(1));
}

/** `2x3,4x5` with `count` numbers each. */
export function extents(count: number): (text: string) => number[][] {
  return (text) =>
    text.split(',').map((each) => {
      const numbers = each.split('x').map(wholeNumber(1));
      if (numbers.length === count) return numbers;
      throw new InvalidArgumentError(`Each must be ${count} whole numbers with x between them.`);
    });
}
