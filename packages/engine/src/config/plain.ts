/** Plain, JSON-serialisable data of config values, and config values of plain data. */

import { Budget, checkDepth } from './budget.ts';
import type { ConfigSource } from './place.ts';
import {
  ConfigDict,
  ConfigFloat,
  ConfigSet,
  ConfigTuple,
  type ConfigValue,
  ImportedName,
  Opaque,
} from './value.ts';

/** Tuples and sets become lists, imported names their dotted names, whole-number keys text. Keys named `omit` are left out. */
export function toPlain(value: ConfigValue, budget = new Budget(), omit?: string): unknown {
  return plain(value, { budget, omit }, { file: 'config' }, 0);
}

interface Limits {
  readonly budget: Budget;
  readonly omit: string | undefined;
}

function plain(value: ConfigValue, limits: Limits, where: ConfigSource, depth: number): unknown {
  limits.budget.spend(1, where);
  checkDepth(depth, where);
  const inner = (item: ConfigValue) => plain(item, limits, where, depth + 1);
  if (value instanceof ConfigFloat) return value.value;
  if (value instanceof ImportedName) return value.toString();
  if (value instanceof Opaque) return value.value;
  if (Array.isArray(value)) return value.map(inner);
  if (value instanceof ConfigTuple || value instanceof ConfigSet) return value.items.map(inner);
  if (!(value instanceof ConfigDict)) return value;
  const entries = value.entries().filter(([key]) => key !== limits.omit);
  return Object.fromEntries(
    entries.map(([key, entry]) => [key, plain(entry.value, limits, entry.source, depth + 1)]),
  );
}

/** `sourceOf` tells the place of an entry by its path. */
export function fromPlain(
  value: unknown,
  sourceOf: (path: readonly (string | number)[]) => ConfigSource,
  budget: Budget,
  path: readonly (string | number)[] = [],
): ConfigValue {
  const where = sourceOf(path);
  budget.spend(1, where);
  checkDepth(path.length, where);
  const inner = (item: unknown, key: string | number) => fromPlain(item, sourceOf, budget, [...path, key]);
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'number')
    return value;
  if (Array.isArray(value)) return value.map(inner);
  if (!isPlainObject(value)) return new Opaque(value);
  const result = new ConfigDict();
  for (const [key, item] of Object.entries(value))
    result.set(key, inner(item, key), sourceOf([...path, key]));
  return result;
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}
