/**
 * What becomes of OpenMMLab's keys and types, as data. A key that no rule names keeps its name in camelCase; whether Omma has it, its schema
 * says. Task packages register the rules of their types, as they register the types themselves.
 */

import type { ConfigSource } from '../place.ts';
import { ConfigDict, ConfigFloat, ConfigTuple, type ConfigValue, ImportedName } from '../value.ts';

/** Where a value stands. */
export interface Surroundings {
  /** The dict that has it. */
  readonly siblings: ConfigDict;
  /** The whole config, under OpenMMLab's names. */
  readonly root: ConfigDict;
  /** What set it. */
  readonly source: ConfigSource;
}

export interface KeyRule {
  /** Omma's name; the same in camelCase unless given. Null: the key says nothing that Omma needs to be told. */
  readonly name?: string | null;
  /** Where it goes instead of its own place: keys from the config's root. */
  readonly path?: readonly string[];
  /** Values that say nothing that Omma would not do anyway. */
  readonly neutral?: (value: ConfigValue, at: Surroundings) => boolean;
  /** The value in Omma's form; undefined where there is none. */
  readonly value?: (value: ConfigValue, at: Surroundings) => ConfigValue | undefined;
  /** Why there is no equivalent, where the schema could not say it. */
  readonly missing?: string;
  /** Rules of the keys below. */
  readonly keys?: Rules;
  /** What the keys below are is not names: they stay as they are. */
  readonly verbatim?: boolean;
  /** Rules of the keys of a list's entries. */
  readonly entries?: Rules;
  /** A value that stands alone becomes a list of one. */
  readonly list?: boolean;
}

export type Rules = Readonly<Record<string, KeyRule>>;

export interface TypeRule {
  /** Omma's type; the same name unless given. Null: Omma does this without being told, so it leaves its list. */
  readonly type?: string | null;
  readonly keys?: Rules;
  /** Keys that the type implies in Omma. */
  readonly adds?: Readonly<Record<string, ConfigValue>>;
  /** Why Omma has no such type, where a list of those that it has would not help. */
  readonly missing?: string;
}

const typeRules = new Map<string, TypeRule>();

/** Tells what becomes of OpenMMLab's types. The last rule of a name wins. */
export function registerOpenMMLabTypes(rules: Readonly<Record<string, TypeRule>>): void {
  for (const [name, rule] of Object.entries(rules)) typeRules.set(name, rule);
}

export function typeRule(name: string): TypeRule {
  return typeRules.get(name) ?? {};
}

/** The name of a type: `ResNet`, also of `mmdet.ResNet` and of what a config imports. */
export function typeName(value: ConfigValue | undefined): string | null {
  const text = value instanceof ImportedName ? value.name : value;
  return typeof text === 'string' ? (text.split('.').at(-1) ?? text) : null;
}

/** `weight_decay` as `weightDecay`. */
export function camelCase(name: string): string {
  return name.replace(/(?<=[a-zA-Z0-9])_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** True for values that are equal to one of `wanted`, floats and whole numbers alike. */
export function oneOf(...wanted: readonly ConfigValue[]): (value: ConfigValue) => boolean {
  return (value) => wanted.includes(value instanceof ConfigFloat ? value.value : value);
}

/** True for dicts whose type is one of `names`, with no keys but those of `also`. */
export function onlyType(
  names: readonly string[],
  also: readonly string[] = [],
): (value: ConfigValue) => boolean {
  return (value) => {
    const name = value instanceof ConfigDict ? typeName(value.get('type')) : null;
    if (!(value instanceof ConfigDict) || name === null || !names.includes(name)) return false;
    return value.keys().every((key) => key === 'type' || also.includes(String(key)));
  };
}

export function isEmpty(value: ConfigValue): boolean {
  return value === null || (value instanceof ConfigDict && value.size === 0);
}

/** A list's only entry when all are the same number: OpenMMLab writes squares as (224, 224) where Omma has 224. */
export function squareSize(value: ConfigValue): ConfigValue {
  const items = value instanceof ConfigTuple ? value.items : Array.isArray(value) ? value : [];
  const [first] = items;
  return first !== undefined && items.every((item) => item === first) ? first : value;
}

/** Says nothing, whatever its value. */
export const needless: KeyRule = { name: null };

/** Says nothing while it is None. */
export const unset: KeyRule = { neutral: oneOf(null) };

/** The `type` of a part of which Omma has one kind, under any of these names. */
export function neutralType(...names: readonly string[]): KeyRule {
  return {
    neutral: (value) => names.includes(typeName(value) ?? ''),
    missing: `Omma has ${names[0]} alone`,
  };
}
