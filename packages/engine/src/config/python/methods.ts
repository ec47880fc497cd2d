/** The methods of dicts, lists, tuples and texts that configs call. */

import { asksToDelete, deleteKey } from '../merge.ts';
import { ConfigDict, type ConfigKey, ConfigTuple, type ConfigValue, kindOf } from '../value.ts';
import { pairsInto, sorted } from './builtins.ts';
import { type Call, equal, itemsOf, optional, required, textCost } from './call.ts';
import { formatted, type Paid, strOf } from './format.ts';

/** `receiver.name(...)`; undefined when there is no such method. */
export function callMethod(receiver: ConfigValue, name: string, call: Call): ConfigValue | undefined {
  if (receiver instanceof ConfigDict) return methodOf(dictMethods, name)?.(receiver, call);
  if (Array.isArray(receiver)) return methodOf(listMethods, name)?.(receiver, call);
  if (receiver instanceof ConfigTuple) return methodOf(sequenceMethods, name)?.(receiver.items, call);
  if (typeof receiver !== 'string') return undefined;
  call.spend(textCost(receiver));
  return methodOf(textMethods, name)?.(receiver, call);
}

/** Names come from the file: what JavaScript's objects have by themselves (`constructor`, `toString`) is no method of data. */
function methodOf<T>(methods: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(methods, name) ? methods[name] : undefined;
}

function keyArgument(call: Call, name: string, most = 2): ConfigKey {
  const key = required(call, name, most);
  if (typeof key === 'string' || typeof key === 'number') return key;
  throw call.error(`${name}() expects a key, not ${kindOf(key)}`);
}

const dictMethods: Readonly<Record<string, (dict: ConfigDict, call: Call) => ConfigValue>> = {
  get: (dict, call) => {
    const value = dict.get(keyArgument(call, 'get'));
    return value !== undefined ? value : (call.args[1] ?? null);
  },
  pop: (dict, call) => {
    const fallback = call.named.has('default') ? call.named.get('default') : call.args[1];
    const [key] = call.args;
    if (typeof key !== 'string' && typeof key !== 'number') throw call.error('pop() expects a key');
    const value = dict.get(key);
    // MMEngine's ConfigDict gives None where Python's dict complains.
    if (value === undefined && fallback === undefined && !dict.merging)
      throw call.error(`pop() expects one of ${namesOf(dict)}, not ${key}`);
    dict.delete(key);
    return value !== undefined ? value : (fallback ?? null);
  },
  setdefault: (dict, call) => {
    const key = keyArgument(call, 'setdefault');
    if (!dict.has(key)) dict.set(key, call.args[1] ?? null, call.source);
    return dict.get(key) ?? null;
  },
  update: (dict, call) => {
    if (call.args.length > 1) throw call.error('update() takes one argument without a name at most');
    const changes = new ConfigDict();
    const [from] = call.args;
    if (from !== undefined) pairsInto(changes, from, call.source, call);
    pairsInto(changes, call.named, call.source, call);
    if (dict.merging) updateRecursively(dict, changes, call);
    else pairsInto(dict, changes, call.source, call);
    return null;
  },
  merge: (dict, call) => {
    const other = required(call, 'merge');
    if (!dict.merging || !(other instanceof ConfigDict))
      throw call.error('merge() is a method of what comes from a base, and takes a dict');
    const merged = mergedWith(call.deepcopy(other), call.deepcopy(dict), call);
    dict.clear();
    if (merged instanceof ConfigDict) pairsInto(dict, merged, call.source, call);
    return null;
  },
  keys: (dict, call) => paidItems(dict.keys(), call),
  values: (dict, call) =>
    paidItems(
      dict.entries().map(([, { value }]) => value),
      call,
    ),
  items: (dict, call) =>
    paidItems(
      dict.entries().map(([key, { value }]) => new ConfigTuple([key, value])),
      call,
    ),
  copy: (dict, call) => {
    call.spend(dict.size);
    return dict.copy();
  },
  clear: (dict) => {
    dict.clear();
    return null;
  },
};

function paidItems(items: ConfigValue[], call: Call): ConfigValue[] {
  call.spend(items.length);
  return items;
}

/** The keys of a dict, for a message. */
export function namesOf(dict: ConfigDict): string {
  const keys = dict.keys();
  return keys.length <= 12 ? keys.join(', ') : `${keys.slice(0, 12).join(', ')}, ...`;
}

/** ConfigDict.update: dicts are updated in turn. */
function updateRecursively(dict: ConfigDict, changes: ConfigDict, call: Call): void {
  call.spend(changes.size);
  for (const [key, { value, source }] of changes.entries()) {
    const old = dict.get(key);
    if (old instanceof ConfigDict && value instanceof ConfigDict && old !== value)
      updateRecursively(old, value, call);
    else dict.set(key, value, source);
  }
}

/** ConfigDict.merge: like the merging of files, but `_delete_` always goes and a dict may replace anything. */
function mergedWith(a: ConfigValue, b: ConfigValue | undefined, call: Call): ConfigValue {
  call.spend(1);
  if (!(a instanceof ConfigDict)) return a;
  const replaces = asksToDelete(a);
  a.delete(deleteKey);
  if (!(b instanceof ConfigDict)) return a;
  const result = new ConfigDict();
  if (!replaces) for (const [key, { value, source }] of b.entries()) result.set(key, value, source);
  for (const [key, { value, source }] of a.entries()) {
    if (key !== deleteKey) result.set(key, mergedWith(value, result.get(key), call), source);
  }
  return result;
}

const sequenceMethods: Readonly<Record<string, (items: readonly ConfigValue[], call: Call) => ConfigValue>> =
  {
    index: (items, call) => {
      const wanted = required(call, 'index');
      const index = items.findIndex((item) => equal(item, wanted, call));
      if (index < 0) throw call.error('index() expects a value that is in the list');
      return index;
    },
    count: (items, call) => {
      const wanted = required(call, 'count');
      return items.filter((item) => equal(item, wanted, call)).length;
    },
  };

const listMethods: Readonly<Record<string, (list: ConfigValue[], call: Call) => ConfigValue>> = {
  ...sequenceMethods,
  append: (list, call) => {
    call.spend(1);
    list.push(required(call, 'append'));
    return null;
  },
  extend: (list, call) => {
    const items = itemsOf(required(call, 'extend'));
    if (items === null) throw call.error('extend() expects a list');
    call.spend(items.length);
    list.push(...items.slice());
    return null;
  },
  insert: (list, call) => {
    const [index, value] = call.args;
    if (typeof index !== 'number' || value === undefined)
      throw call.error('insert() expects an index and a value');
    call.spend(1);
    list.splice(index, 0, value);
    return null;
  },
  pop: (list, call) => {
    const index = optional(call, 'pop') ?? -1;
    const at = typeof index === 'number' ? (index < 0 ? index + list.length : index) : -1;
    const [value] = at < 0 ? [] : list.splice(at, 1);
    if (value === undefined) throw call.error(`pop() expects an index into a list of ${list.length}`);
    return value;
  },
  remove: (list, call) => {
    const index = sequenceMethods.index?.(list, call);
    if (typeof index === 'number') list.splice(index, 1);
    return null;
  },
  reverse: (list) => {
    list.reverse();
    return null;
  },
  sort: (list, call) => {
    list.splice(0, list.length, ...sorted(list, call.named.get('reverse') ?? false, call));
    return null;
  },
  copy: (list, call) => paidItems([...list], call),
  clear: (list) => {
    list.length = 0;
    return null;
  },
};

function textArgument(call: Call, name: string, at = 0): string {
  const value = call.args[at];
  if (typeof value === 'string') return value;
  throw call.error(`${name}() expects a text`);
}

function stripped(text: string, call: Call, start: boolean, end: boolean): string {
  const given = optional(call, 'strip') ?? null;
  const letters = typeof given === 'string' ? new Set(given) : new Set(' \t\n\r\f\v');
  let from = 0;
  let to = text.length;
  while (start && from < to && letters.has(text.charAt(from))) from++;
  while (end && to > from && letters.has(text.charAt(to - 1))) to--;
  return text.slice(from, to);
}

/** True when the argument, or one of a tuple of them, satisfies `test`. */
function anyText(call: Call, name: string, test: (part: string) => boolean): boolean {
  const value = required(call, name);
  const parts = value instanceof ConfigTuple ? value.items : [value];
  return parts.some((part) => typeof part === 'string' && test(part));
}

const textMethods: Readonly<Record<string, (text: string, call: Call) => ConfigValue>> = {
  format: (text, call) => formatText(text, call),
  join: (text, call) => {
    const items = itemsOf(required(call, 'join')) ?? [];
    const parts = items.map((item) => {
      if (typeof item !== 'string') throw call.error(`join() expects texts, not ${kindOf(item)}`);
      return item;
    });
    call.spend(Math.ceil(parts.reduce((sum, part) => sum + part.length + text.length, 0) / 100));
    return parts.join(text);
  },
  split: (text, call) => {
    const separator = optional(call, 'split') ?? null;
    const parts =
      separator === null
        ? text.split(/\s+/).filter((part) => part !== '')
        : text.split(textArgument(call, 'split'));
    return paidItems(parts, call);
  },
  replace: (text, call) => {
    const from = textArgument(call, 'replace');
    const to = textArgument(call, 'replace', 1);
    call.spend(Math.ceil(((text.length + 1) * (to.length + 1)) / 100));
    return text.replaceAll(from, () => to);
  },
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  strip: (text, call) => stripped(text, call, true, true),
  lstrip: (text, call) => stripped(text, call, true, false),
  rstrip: (text, call) => stripped(text, call, false, true),
  startswith: (text, call) => anyText(call, 'startswith', (part) => text.startsWith(part)),
  endswith: (text, call) => anyText(call, 'endswith', (part) => text.endsWith(part)),
};

/** `'{} {name:02d}'.format(...)`, with plain positions and names. */
function formatText(text: string, call: Call): string {
  const paid: Paid = () => call.spend(1);
  let next = 0;
  return text.replace(
    /\{\{|\}\}|\{(\w*)(?::([^{}]*))?\}|[{}]/g,
    (whole: string, field?: string, spec = '') => {
      if (whole === '{{' || whole === '}}') return whole.charAt(0);
      if (field === undefined) throw call.error('format() expects plain {}, {0} or {name} in the text');
      const value =
        field === ''
          ? call.args[next++]
          : /^\d+$/.test(field)
            ? call.args[Number(field)]
            : call.named.get(field);
      if (value === undefined) throw call.error(`format() expects a value for ${whole}`);
      const result = formatted(value, spec, paid);
      if (result === null) throw call.error(`format() does not know ${whole} for ${strOf(value, paid)}`);
      call.spend(Math.ceil(result.length / 100));
      return result;
    },
  );
}
