/**
 * Config values while files are read and merged, each entry with the place that set it.
 *
 * TypeScript, JSON, YAML and OpenMMLab's Python files all become these, so there is one merge rule (merge.ts) and one way to tell
 * where a wrong value comes from (sources.ts). Python's kinds are kept apart (1 and 1.0, lists and tuples) because its
 * arithmetic and its text depend on them; plain.ts makes plain data of the result.
 */

import { type Budget, checkDepth } from './budget.ts';
import type { ConfigSource } from './place.ts';

export type ConfigKey = string | number;

export type ConfigValue =
  | null
  | boolean
  | string
  /** Python's int; any number of the other formats. */
  | number
  | ConfigFloat
  | ConfigTuple
  | ConfigSet
  | ImportedName
  | Opaque
  | ConfigValue[]
  | ConfigDict;

/** Python's float. */
export class ConfigFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export class ConfigTuple {
  readonly items: readonly ConfigValue[];

  constructor(items: readonly ConfigValue[]) {
    this.items = items;
  }
}

/** Python's set of numbers, strings and tuples, in the order in which they were added. */
export class ConfigSet {
  readonly items: readonly ConfigValue[];

  constructor(items: readonly ConfigValue[]) {
    this.items = items;
  }
}

/** What a config imports and never runs: `from mmdet.models import ResNet` makes the text `mmdet.models.ResNet`. */
export class ImportedName {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  attribute(name: string): ImportedName {
    return new ImportedName(`${this.module}.${this.name}`, name);
  }

  toString(): string {
    return `${this.module}.${this.name}`;
  }
}

/** What is no data: a function, a module, `undefined`. A config that keeps one is refused by its schema. */
export class Opaque {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

export interface ConfigEntry {
  readonly value: ConfigValue;
  readonly source: ConfigSource;
}

/**
 * A dict: keys in the order in which they were added, each with its source.
 *
 * A merging one is MMEngine's ConfigDict, which is what the values of base files are: its entries are attributes too, its `update` is
 * recursive, and what is put into it becomes a copy of the same kind, paid for by the budget it is made with. A dict that the file itself
 * writes is Python's own.
 */
export class ConfigDict {
  readonly #budget: Budget | null;
  readonly #entries = new Map<ConfigKey, ConfigEntry>();

  /** A merging dict when there is a budget, a plain one otherwise. */
  constructor(budget: Budget | null = null) {
    this.#budget = budget;
  }

  get merging(): boolean {
    return this.#budget !== null;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: ConfigKey): boolean {
    return this.#entries.has(key);
  }

  get(key: ConfigKey): ConfigValue | undefined {
    return this.#entries.get(key)?.value;
  }

  entry(key: ConfigKey): ConfigEntry | undefined {
    return this.#entries.get(key);
  }

  set(key: ConfigKey, value: ConfigValue, source: ConfigSource): void {
    const own = this.#budget === null ? value : asMerging(value, this.#budget, source, 0);
    this.#entries.set(key, { value: own, source });
  }

  delete(key: ConfigKey): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  keys(): ConfigKey[] {
    return [...this.#entries.keys()];
  }

  entries(): [ConfigKey, ConfigEntry][] {
    return [...this.#entries];
  }

  /** An empty dict of the same kind. */
  empty(): ConfigDict {
    return new ConfigDict(this.#budget);
  }

  /** The same entries in another dict of the same kind. */
  copy(): ConfigDict {
    const result = this.empty();
    for (const [key, { value, source }] of this.#entries) result.set(key, value, source);
    return result;
  }
}

/** What a merging dict makes of a value that is put into it: dicts and lists are copied, merging dicts are shared. */
function asMerging(value: ConfigValue, budget: Budget, where: ConfigSource, depth: number): ConfigValue {
  if (typeof value !== 'object' || value === null) return value;
  budget.spend(1, where);
  checkDepth(depth, where);
  if (value instanceof ConfigDict) {
    if (value.merging) return value;
    const result = new ConfigDict(budget);
    for (const [key, entry] of value.entries())
      result.set(key, asMerging(entry.value, budget, where, depth + 1), entry.source);
    return result;
  }
  if (Array.isArray(value)) return value.map((item) => asMerging(item, budget, where, depth + 1));
  if (value instanceof ConfigTuple)
    return new ConfigTuple(value.items.map((item) => asMerging(item, budget, where, depth + 1)));
  return value;
}

/** What Python calls the kind of a value. */
export function kindOf(value: ConfigValue): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'number') return 'int';
  if (value instanceof ConfigFloat) return 'float';
  if (value instanceof ConfigTuple) return 'tuple';
  if (value instanceof ConfigSet) return 'set';
  if (value instanceof ImportedName) return 'imported name';
  if (value instanceof Opaque) return typeof value.value === 'function' ? 'function' : 'module';
  return Array.isArray(value) ? 'list' : 'dict';
}
