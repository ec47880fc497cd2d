/**
 * An OpenMMLab config in Omma's terms, as far as Omma has them, and a list of exactly what it has not.
 *
 * The rules rename and drop; then Omma's own schema is asked about every value, so that what is listed as missing is what a run would
 * refuse, and nothing is claimed twice.
 */

import { OmmaError } from '@omma/core';
import { Budget } from '../budget.ts';
import { type ConfigSource, placeText } from '../place.ts';
import { toPlain } from '../plain.ts';
import { formatPath, formatValue, problemsOf } from '../problems.ts';
import { configSchema } from '../schema.ts';
import { sourceAt, valueAt } from '../sources.ts';
import { ConfigDict, type ConfigKey, ConfigTuple, type ConfigValue, ImportedName } from '../value.ts';
import { camelCase, type KeyRule, type Rules, typeName, typeRule } from './rules.ts';
import { added, repeats, runnerRules } from './runnerRules.ts';
import { withTtaParts } from './tta.ts';

/** A value that Omma has no equivalent for. */
export interface Missing {
  /** In the OpenMMLab config, except where Omma asks for something that it does not have. */
  readonly path: string;
  readonly value: unknown;
  readonly reason: string;
  /** The file and line that set it. */
  readonly place: string | null;
}

export interface Translation {
  readonly config: ConfigDict;
  readonly missing: readonly Missing[];
}

type Path = readonly (string | number)[];

/** True for a config with OpenMMLab's names, whatever its format. */
export function isOpenMMLab(config: ConfigDict): boolean {
  const keys = config.keys().map(String);
  return (
    keys.some((key) => key.includes('_') && Object.hasOwn(runnerRules, key)) || keys.includes('default_scope')
  );
}

export function translateOpenMMLab(config: ConfigDict): Translation {
  const translator = new Translator(withTtaParts(config));
  translator.run();
  return translator.checked();
}

/** The translation of a config that has to have one for all its values. `path` names it in the message. */
export function translatedWhole(config: ConfigDict, path: string): ConfigDict {
  const { config: translated, missing } = translateOpenMMLab(config);
  if (missing.length === 0) return translated;
  const lines = missing.map((part) => `  ${formatMissing(part)}`);
  throw new OmmaError(
    `${placeText({ file: path })} is an OpenMMLab config, and ${missing.length} of its values have no equivalent in Omma (omma config convert writes the rest):\n${lines.join('\n')}`,
  );
}

/** `model.neck.type is "FPN": expected a neck, one of ... (configs/fpn.py:12)` */
export function formatMissing({ path, value, reason, place }: Missing): string {
  const where = place === null ? '' : ` (${place})`;
  return `${path} is ${formatValue(value)}: ${reason}${where}`;
}

class Translator {
  readonly #from: ConfigDict;
  readonly #config = new ConfigDict();
  readonly #missing: Missing[] = [];
  /** OpenMMLab's path of each of ours. */
  readonly #origins = new Map<string, Path>();
  readonly #budget = new Budget();

  constructor(from: ConfigDict) {
    this.#from = from;
  }

  run(): void {
    const ruled = this.#from.entries().flatMap(([key, entry]) => {
      const name = String(key);
      // Any other key is a variable that the file uses itself.
      const rule = Object.hasOwn(runnerRules, name) ? runnerRules[name] : topRules.get(name);
      return rule === undefined || this.#repeats(name, entry.value) ? [] : [{ key, name, rule, ...entry }];
    });
    // What goes into another part comes after that part.
    const moved = ({ rule }: { readonly rule: KeyRule }) => Number(rule.path !== undefined);
    for (const { key, name, rule, value, source } of ruled.toSorted((a, b) => moved(a) - moved(b))) {
      this.#put(this.#config, key, value, this.#from, source, rule, { out: [], from: [] });
      const extra = this.#config.get(camelCase(name));
      for (const [more, standard] of Object.entries(added[name] ?? {}))
        if (extra instanceof ConfigDict && !extra.has(more)) extra.set(more, standard, source);
    }
  }

  #repeats(name: string, value: ConfigValue): boolean {
    const other = repeats[name];
    const first = other === undefined ? undefined : this.#from.get(other);
    if (first === undefined) return false;
    return JSON.stringify(this.#plain(first)) === JSON.stringify(this.#plain(value));
  }

  #plain(value: ConfigValue): unknown {
    return toPlain(value, this.#budget);
  }

  /** Puts one entry into `target` under its name in Omma. */
  #put(
    target: ConfigDict,
    key: ConfigKey,
    value: ConfigValue,
    siblings: ConfigDict,
    source: ConfigSource,
    rule: KeyRule,
    at: { readonly out: Path; readonly from: Path },
  ): void {
    const from = [...at.from, key];
    const surroundings = { siblings, root: this.#from, source };
    if (rule.name === null || rule.neutral?.(value, surroundings) === true) return;
    const name = rule.name ?? (typeof key === 'number' ? key : camelCase(key));
    const own = rule.value === undefined ? value : rule.value(value, surroundings);
    if (own === undefined || (rule.missing !== undefined && rule.value === undefined)) {
      this.#miss(from, value, rule.missing ?? 'Omma has no such value', placeText(source));
      return;
    }
    const path = rule.path ?? [...at.out, name];
    const place = rule.path === undefined ? target : this.#dictAt(rule.path.slice(0, -1), source);
    const last = path.at(-1);
    if (last === undefined) return;
    this.#origins.set(formatPath(path), from);
    const wrapped = rule.list === true && !Array.isArray(own) && !(own instanceof ConfigTuple) ? [own] : own;
    const result = this.#value(wrapped, rule, { out: path, from });
    if (result !== undefined) place.set(last, result, source);
  }

  /** The dict at a path of the result, made where it is not there yet. */
  #dictAt(path: readonly string[], source: ConfigSource): ConfigDict {
    return path.reduce((dict, key) => {
      const known = dict.get(key);
      if (known instanceof ConfigDict) return known;
      const made = new ConfigDict();
      dict.set(key, made, source);
      return made;
    }, this.#config);
  }

  /** A value in Omma's terms; undefined when it says nothing. */
  #value(
    value: ConfigValue,
    rule: KeyRule,
    at: { readonly out: Path; readonly from: Path },
  ): ConfigValue | undefined {
    this.#budget.spend(1, { file: 'convert' });
    if (Array.isArray(value) || value instanceof ConfigTuple) return this.#list(value, rule, at);
    if (value instanceof ConfigDict) return this.#dict(value, rule, at);
    return value instanceof ImportedName ? value.name : value;
  }

  #list(
    value: readonly ConfigValue[] | ConfigTuple,
    { entries }: KeyRule,
    at: { readonly out: Path; readonly from: Path },
  ): ConfigValue[] {
    const result: ConfigValue[] = [];
    const rule = entries === undefined ? {} : { keys: entries };
    for (const [i, item] of (value instanceof ConfigTuple ? value.items : value).entries()) {
      const out = [...at.out, result.length];
      this.#origins.set(formatPath(out), [...at.from, i]);
      const translated = this.#value(item, rule, { out, from: [...at.from, i] });
      if (translated !== undefined) result.push(translated);
    }
    return result;
  }

  #dict(
    value: ConfigDict,
    rule: KeyRule,
    at: { readonly out: Path; readonly from: Path },
  ): ConfigDict | undefined {
    const type = rule.keys?.type === undefined ? typeName(value.get('type')) : null;
    const known = type === null ? {} : typeRule(type);
    if (known.type === null) return undefined;
    const source = value.entry('type')?.source;
    if (known.missing !== undefined) {
      this.#miss(at.from, value, known.missing, source === undefined ? null : placeText(source));
      return undefined;
    }
    const rules: Rules = { _scope_: { name: null }, _delete_: { name: null }, ...rule.keys, ...known.keys };
    const result = new ConfigDict();
    for (const [key, entry] of value.entries()) {
      const verbatim = rule.verbatim === true ? { name: String(key) } : {};
      const isType = key === 'type' && type !== null && known.keys?.type === undefined;
      const own = isType ? { value: () => known.type ?? type } : (ruleOf(rules, key) ?? verbatim);
      this.#put(result, key, entry.value, value, entry.source, own, at);
    }
    for (const [key, standard] of Object.entries(known.adds ?? {}))
      if (source !== undefined && !result.has(key)) result.set(key, standard, source);
    return result.size === 0 && value.size > 0 ? undefined : result;
  }

  #miss(path: Path, value: ConfigValue, reason: string, place: string | null): void {
    this.#missing.push({ path: formatPath(path), value: this.#plain(value), reason, place });
  }

  /** What the schema refuses leaves the result: unknown keys, then entries of lists that Omma does not know. */
  checked(): Translation {
    for (let round = 0; round < 50; round++) {
      const problems = problemsOf(configSchema, toPlain(this.#config, this.#budget));
      const removable = problems.filter(({ path, message }) => this.#isRemovable(path, message));
      // From the back, so that the indices of those before stay true.
      for (const problem of removable.toReversed()) this.#remove(problem.path, problem.message);
      if (removable.length > 0) continue;
      for (const { path, value, message } of problems)
        this.#missing.push({
          path: this.#originText(path),
          value,
          reason: message,
          place: this.#placeOf(path),
        });
      break;
    }
    const missing = this.#missing.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    return { config: this.#config, missing };
  }

  #isRemovable(path: readonly PropertyKey[], message: string): boolean {
    return message.startsWith('unknown key') || path.some((key) => typeof key === 'number');
  }

  #remove(path: readonly PropertyKey[], message: string): void {
    const unknown = message.startsWith('unknown key');
    const end = unknown ? path.length : path.findLastIndex((key) => typeof key === 'number') + 1;
    const cut = path.slice(0, end);
    const key = cut.at(-1);
    const parent = this.#at(cut.slice(0, -1));
    const value = valueAt(this.#from, this.#origins.get(formatPath(cut)) ?? cut) ?? this.#at(cut);
    if (key === undefined || value === undefined) return;
    const reason = unknown ? 'Omma has no such option' : message;
    this.#missing.push({
      path: this.#originText(cut),
      value: this.#plain(value),
      reason,
      place: this.#placeOf(cut),
    });
    if (parent instanceof ConfigDict) parent.delete(typeof key === 'symbol' ? key.toString() : key);
    else if (Array.isArray(parent)) {
      parent.splice(Number(key), 1);
      this.#shiftOrigins(cut.slice(0, -1), Number(key));
    }
  }

  /** Entries behind a removed one move up. */
  #shiftOrigins(list: readonly PropertyKey[], removed: number): void {
    const prefix = `${formatPath(list)}[`;
    for (const [path, origin] of [...this.#origins].filter(([path]) => path.startsWith(prefix))) {
      const end = path.indexOf(']', prefix.length);
      const index = Number(path.slice(prefix.length, end));
      if (index === removed) this.#origins.delete(path);
      if (index <= removed) continue;
      this.#origins.delete(path);
      this.#origins.set(`${prefix}${index - 1}${path.slice(end)}`, origin);
    }
  }

  #at(path: readonly PropertyKey[]): ConfigValue | undefined {
    return path.reduce<ConfigValue | undefined>((value, key) => {
      if (value instanceof ConfigDict) return value.get(typeof key === 'symbol' ? key.toString() : key);
      return Array.isArray(value) ? value[Number(key)] : undefined;
    }, this.#config);
  }

  #originText(path: readonly PropertyKey[]): string {
    const origin = this.#origins.get(formatPath(path));
    return formatPath(origin ?? path);
  }

  #placeOf(path: readonly PropertyKey[]): string | null {
    const source = sourceAt(this.#config, path);
    return source === null ? null : placeText(source);
  }
}

function ruleOf(rules: Rules, key: ConfigKey): KeyRule | undefined {
  return Object.hasOwn(rules, key) ? rules[String(key)] : undefined;
}

const topRules = new Map<string, KeyRule>();

/** Tells what becomes of top-level keys that a task has beside the Runner's: `data_preprocessor`. */
export function registerOpenMMLabKeys(rules: Rules): void {
  for (const [name, rule] of Object.entries(rules)) topRules.set(name, rule);
}
