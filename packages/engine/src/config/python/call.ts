/** What a function, method or operator of the evaluator is given, and what they share. */

import type { OmmaError } from '@omma/core';
import type { ConfigSource } from '../place.ts';
import { ConfigDict, ConfigFloat, ConfigSet, ConfigTuple, type ConfigValue } from '../value.ts';
import { numeric } from './numbers.ts';

/** The place where something is evaluated. */
export interface Place {
  readonly source: ConfigSource;
  error(message: string): OmmaError;
  /** Pays for `steps` values that are made or looked at. */
  spend(steps: number): void;
}

export interface Call extends Place {
  readonly args: readonly ConfigValue[];
  /** Arguments by name, with the lines that gave them. */
  readonly named: ConfigDict;
  /** The file's path, for `copy` and the like: what a deep copy is charged to. */
  deepcopy(value: ConfigValue): ConfigValue;
}

/** The only argument of a function that takes one at most. */
export function optional(call: Call, name: string, most = 1): ConfigValue | undefined {
  if (call.args.length > most || call.named.size > 0)
    throw call.error(`${name}() takes at most ${most} argument${most === 1 ? '' : 's'}, without names`);
  return call.args[0];
}

export function required(call: Call, name: string, most = 1): ConfigValue {
  const value = optional(call, name, most);
  if (value === undefined) throw call.error(`${name}() expects an argument`);
  return value;
}

/** Steps for going through a text. */
export function textCost(text: string): number {
  return Math.ceil(text.length / 100);
}

/** The items of whatever can be looped over: of a dict its keys, of a text its characters. */
export function itemsOf(value: ConfigValue): readonly ConfigValue[] | null {
  if (Array.isArray(value)) return value;
  if (value instanceof ConfigTuple || value instanceof ConfigSet) return value.items;
  if (value instanceof ConfigDict) return value.keys();
  return typeof value === 'string' ? [...value] : null;
}

export function truthy(value: ConfigValue): boolean {
  if (value instanceof ConfigDict) return value.size > 0;
  if (value instanceof ConfigFloat) return value.value !== 0;
  if (typeof value === 'object') return (itemsOf(value)?.length ?? (value === null ? 0 : 1)) > 0;
  return Boolean(value);
}

/** What makes two values the same member of a set; null for lists and dicts, which no set can hold. */
export function memberKey(value: ConfigValue): string | null {
  const number = numeric(value);
  if (number !== null) return `n${number.value}`;
  if (typeof value === 'string') return `s${JSON.stringify(value)}`;
  if (value === null) return 'None';
  if (!(value instanceof ConfigTuple)) return null;
  const keys = value.items.map(memberKey);
  return keys.includes(null) ? null : `(${keys.join()})`;
}

export function setOf(items: readonly ConfigValue[], place: Place): ConfigSet {
  place.spend(items.length);
  const members = new Map<string, ConfigValue>();
  for (const item of items) {
    const key = memberKey(item);
    if (key === null) throw place.error('a set holds numbers, text and tuples of them');
    if (!members.has(key)) members.set(key, item);
  }
  return new ConfigSet([...members.values()]);
}

/** Python's `a == b`. */
export function equal(a: ConfigValue, b: ConfigValue, place: Place): boolean {
  place.spend(typeof a === 'string' ? 1 + textCost(a) : 1);
  const left = numeric(a);
  const right = numeric(b);
  if (left !== null || right !== null) return left?.value === right?.value;
  if (a instanceof ConfigDict) return b instanceof ConfigDict && equalDicts(a, b, place);
  if (a instanceof ConfigSet) return b instanceof ConfigSet && sameMembers(a, b);
  if (a instanceof ConfigTuple) return b instanceof ConfigTuple && equalItems(a.items, b.items, place);
  if (Array.isArray(a)) return Array.isArray(b) && equalItems(a, b, place);
  return a === b;
}

function equalItems(a: readonly ConfigValue[], b: readonly ConfigValue[], place: Place): boolean {
  return a.length === b.length && a.every((item, i) => equal(item, b[i] ?? null, place));
}

function equalDicts(a: ConfigDict, b: ConfigDict, place: Place): boolean {
  return (
    a.size === b.size &&
    a.entries().every(([key, { value }]) => {
      const other = b.get(key);
      return other !== undefined && equal(value, other, place);
    })
  );
}

function sameMembers(a: ConfigSet, b: ConfigSet): boolean {
  const members = new Set(a.items.map(memberKey));
  return a.items.length === b.items.length && b.items.every((item) => members.has(memberKey(item)));
}

/** A whole number as a result; Python's grow without bound, ours end at 2^53. */
export function whole(value: number, place: Place): number {
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  throw place.error(`${value} is beyond the whole numbers that a config can hold (2^53)`);
}
