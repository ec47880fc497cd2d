/**
 * The attributes of one golden case, read by name with PyTorch's default where one is missing. Attributes that nobody read are an
 * error, so that a case never passes because an option of it was overlooked.
 */

import { asArray, asFlag, asNumber, asNumbers, GoldenFileError, type JsonObject } from './json.ts';

/** What a loss does with its elements. */
export const reductions = ['none', 'mean', 'sum'] as const;

export class CaseAttributes {
  readonly #values: JsonObject;
  readonly #path: string;
  readonly #read = new Set<string>();

  constructor(values: JsonObject, path: string) {
    this.#values = values;
    this.#path = path;
  }

  number(name: string, fallback?: number): number {
    return this.#get(name, fallback, asNumber);
  }

  flag(name: string, fallback: boolean): boolean {
    return this.#get(name, fallback, asFlag);
  }

  /** One of a few words. */
  choice<T extends string>(name: string, legal: readonly T[], fallback: T): T {
    return this.#get(name, fallback, (value, path) => {
      const found = legal.find((word) => word === value);
      if (found !== undefined) return found;
      throw new GoldenFileError(`${path}: expected one of ${legal.join(', ')} but found ${String(value)}`);
    });
  }

  numbers(name: string, fallback?: readonly number[]): readonly number[] {
    return this.#get(name, fallback, asNumbers);
  }

  /** A number or a list of them; undefined where it is missing and has no default. */
  pair(name: string, fallback: number | readonly number[]): number | readonly number[] {
    return this.#get(name, fallback, (value, path) =>
      Array.isArray(value) ? asNumbers(value, path) : asNumber(value, path),
    );
  }

  /** A list of numbers; a number alone is a list of one. */
  list(name: string): readonly number[] | undefined {
    this.#read.add(name);
    const value = this.#values[name];
    if (value === undefined || value === null) return undefined;
    return typeof value === 'number' ? [value] : asNumbers(value, `${this.#path}.${name}`);
  }

  nested(name: string): unknown {
    this.#read.add(name);
    const path = `${this.#path}.${name}`;
    const { length } = asArray(this.#values[name], path).data;
    if (length === 0) throw new GoldenFileError(`${path}: expected numbers but found none`);
    return this.#values[name];
  }

  /** The first of several names for the same attribute that the case uses. */
  named(...names: readonly [string, ...string[]]): string {
    return names.find((name) => this.#values[name] !== undefined) ?? names[0];
  }

  /** Throws when the case has an attribute that was not read. */
  finish(): void {
    const unknown = Object.keys(this.#values).filter((name) => !this.#read.has(name));
    if (unknown.length > 0)
      throw new GoldenFileError(`${this.#path}: unknown attribute ${unknown.join(', ')}`);
  }

  #get<T>(name: string, fallback: T | undefined, read: (value: unknown, path: string) => T): T {
    this.#read.add(name);
    const value = this.#values[name];
    const path = `${this.#path}.${name}`;
    if (value !== undefined && value !== null) return read(value, path);
    if (fallback === undefined) throw new GoldenFileError(`${path}: is missing and has no default`);
    return fallback;
  }
}
