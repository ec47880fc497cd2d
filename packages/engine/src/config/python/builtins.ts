/** The functions that a config may call: those of Python that make or measure data, and `copy` and `math`. */

import type { ConfigSource } from '../place.ts';
import { ConfigDict, ConfigFloat, ConfigTuple, type ConfigValue, kindOf, Opaque } from '../value.ts';
import { type Call, itemsOf, optional, type Place, required, setOf, truthy, whole } from './call.ts';
import { strOf } from './format.ts';
import { numeric, parseNumber, roundHalfEven } from './numbers.ts';
import { binary, orderOf } from './operators.ts';

/** A function that the evaluator runs itself. */
export class Callable extends Opaque {
  readonly name: string;
  readonly call: (call: Call) => ConfigValue;

  constructor(name: string, call: (call: Call) => ConfigValue) {
    super(call);
    this.name = name;
    this.call = call;
  }
}

/** An imported module of which some functions are known. */
export class KnownModule extends Opaque {
  readonly name: string;
  readonly members: ReadonlyMap<string, ConfigValue>;

  constructor(name: string, members: Readonly<Record<string, ConfigValue>>) {
    super(members);
    this.name = name;
    this.members = new Map(Object.entries(members));
  }
}

function itemsArgument(call: Call, name: string, most = 1): readonly ConfigValue[] {
  return loopItems(required(call, name, most), name, call);
}

function loopItems(value: ConfigValue, name: string, place: Place): readonly ConfigValue[] {
  const items = itemsOf(value);
  if (items === null)
    throw place.error(`${name}() expects a list, tuple, set, dict or text, not ${kindOf(value)}`);
  place.spend(items.length);
  return items;
}

/** Adds what `dict(x)` and `d.update(x)` take: a dict, or pairs. */
export function pairsInto(target: ConfigDict, from: ConfigValue, source: ConfigSource, place: Place): void {
  if (from instanceof ConfigDict) {
    place.spend(from.size);
    for (const [key, entry] of from.entries()) target.set(key, entry.value, entry.source);
    return;
  }
  for (const pair of loopItems(from, 'dict', place)) {
    const [key, value, ...more] = typeof pair === 'string' ? [] : (itemsOf(pair) ?? []);
    if ((typeof key !== 'string' && typeof key !== 'number') || value === undefined || more.length > 0)
      throw place.error('dict() expects a dict, or pairs of a key and a value');
    target.set(key, value, source);
  }
}

function makeDict(call: Call): ConfigDict {
  const result = new ConfigDict();
  if (call.args.length > 1) throw call.error('dict() takes one argument without a name at most');
  const [from] = call.args;
  if (from !== undefined) pairsInto(result, from, call.source, call);
  pairsInto(result, call.named, call.source, call);
  return result;
}

function range(call: Call): ConfigValue[] {
  const numbers = call.args.map((arg) => numeric(arg));
  const bounds = numbers.map((number) => (number === null || number.float ? Number.NaN : number.value));
  if (bounds.length < 1 || bounds.length > 3 || bounds.some(Number.isNaN) || call.named.size > 0)
    throw call.error('range() expects one to three whole numbers');
  const [first = 0, second, step = 1] = bounds;
  if (step === 0) throw call.error('range() expects a step other than 0');
  const start = second === undefined ? 0 : first;
  const end = second ?? first;
  const length = Math.max(0, Math.ceil((end - start) / step));
  call.spend(length);
  return Array.from({ length }, (_, i) => start + i * step);
}

function zip(call: Call): ConfigValue[] {
  if (call.named.size > 0) throw call.error('zip() takes no arguments by name');
  const columns = call.args.map((arg) => loopItems(arg, 'zip', call));
  const length = columns.length === 0 ? 0 : Math.min(...columns.map((column) => column.length));
  return Array.from({ length }, (_, i) => new ConfigTuple(columns.map((column) => column[i] ?? null)));
}

function enumerate(call: Call): ConfigValue[] {
  const start = numeric(call.named.get('start') ?? call.args[1] ?? 0)?.value ?? 0;
  const [value] = call.args;
  if (value === undefined) throw call.error('enumerate() expects an argument');
  return loopItems(value, 'enumerate', call).map((item, i) => new ConfigTuple([start + i, item]));
}

function sum(call: Call): ConfigValue {
  const start = call.args[1] ?? 0;
  return itemsArgument(call, 'sum', 2).reduce((total, item) => binary('+', total, item, call), start);
}

/** `min` and `max`: of the arguments, or of the only one's items. */
function extreme(name: string, sign: number) {
  return (call: Call): ConfigValue => {
    const items = call.args.length > 1 ? call.args : itemsArgument(call, name);
    const [first, ...rest] = items;
    if (first === undefined) throw call.error(`${name}() of nothing`);
    return rest.reduce((best, item) => (sign * inOrder(item, best, name, call) > 0 ? item : best), first);
  };
}

function inOrder(a: ConfigValue, b: ConfigValue, name: string, place: Place): number {
  const order = orderOf(a, b);
  if (order === null) throw place.error(`${name}() cannot compare ${kindOf(a)} with ${kindOf(b)}`);
  return order;
}

/** A sorted copy; also what `list.sort` puts in place. */
export function sorted(items: readonly ConfigValue[], reverse: ConfigValue, place: Place): ConfigValue[] {
  place.spend(items.length);
  const result = items.toSorted((a, b) => inOrder(a, b, 'sort', place));
  return truthy(reverse) ? result.reverse() : result;
}

function numberArgument(call: Call, name: string, most = 1) {
  const value = required(call, name, most);
  const number = numeric(value);
  if (number === null) throw call.error(`${name}() expects a number, not ${kindOf(value)}`);
  return number;
}

function round(call: Call): ConfigValue {
  const { value, float } = numberArgument(call, 'round', 2);
  const places = call.args[1] ?? null;
  if (places === null) return whole(roundHalfEven(value, 0), call);
  if (typeof places !== 'number') throw call.error('round() expects a whole number of places');
  const rounded = roundHalfEven(value, places);
  return float ? new ConfigFloat(rounded) : whole(rounded, call);
}

function int(call: Call): ConfigValue {
  const value = optional(call, 'int') ?? 0;
  const number = numeric(value) ?? (typeof value === 'string' ? numeric(signed(value) ?? undefined) : null);
  if (number === null || (typeof value === 'string' && number.float))
    throw call.error(`int() expects a number, not ${kindOf(value)}`);
  return whole(Math.trunc(number.value), call);
}

function float(call: Call): ConfigValue {
  const value = optional(call, 'float') ?? 0;
  const number = numeric(value) ?? (typeof value === 'string' ? numeric(signed(value) ?? undefined) : null);
  if (number === null) throw call.error(`float() expects a number, not ${kindOf(value)}`);
  return new ConfigFloat(number.value);
}

/** A number in a text, as `int` and `float` read it. */
function signed(text: string): ConfigValue | null {
  const match = /^\s*([+-]?)(inf|nan|[\d._]+(?:e[+-]?\d+)?)\s*$/i.exec(text);
  if (match === null) return null;
  const [, sign = '', digits = ''] = match;
  const factor = sign === '-' ? -1 : 1;
  if (/^inf$/i.test(digits)) return new ConfigFloat(factor * Number.POSITIVE_INFINITY);
  if (/^nan$/i.test(digits)) return new ConfigFloat(Number.NaN);
  const value = parseNumber(digits);
  if (value instanceof ConfigFloat) return new ConfigFloat(factor * value.value);
  return value === null ? null : factor * value;
}

function deduplicated(call: Call): ConfigValue {
  const value = optional(call, 'set');
  return setOf(value === undefined ? [] : loopItems(value, 'set', call), call);
}

function length(call: Call): ConfigValue {
  const value = required(call, 'len');
  if (typeof value === 'string') call.spend(value.length);
  const items = itemsOf(value);
  if (items === null) throw call.error(`len() expects something with items, not ${kindOf(value)}`);
  return items.length;
}

function absolute(call: Call): ConfigValue {
  const { value, float } = numberArgument(call, 'abs');
  return float ? new ConfigFloat(Math.abs(value)) : Math.abs(value);
}

const functions: Readonly<Record<string, (call: Call) => ConfigValue>> = {
  abs: absolute,
  all: (call) => itemsArgument(call, 'all').every(truthy),
  any: (call) => itemsArgument(call, 'any').some(truthy),
  bool: (call) => truthy(optional(call, 'bool') ?? false),
  dict: makeDict,
  enumerate,
  float,
  int,
  len: length,
  list: (call) => (call.args.length === 0 ? [] : [...itemsArgument(call, 'list')]),
  max: extreme('max', 1),
  min: extreme('min', -1),
  // What it would print changes no value.
  print: () => null,
  range,
  reversed: (call) => itemsArgument(call, 'reversed').toReversed(),
  round,
  set: deduplicated,
  sorted: (call) => {
    const [value] = call.args;
    if (value === undefined || call.named.keys().some((key) => key !== 'reverse'))
      throw call.error('sorted() takes what to sort, and reverse=True or False');
    return sorted(loopItems(value, 'sorted', call), call.named.get('reverse') ?? false, call);
  },
  str: (call) => strOf(optional(call, 'str') ?? '', () => call.spend(1)),
  sum,
  tuple: (call) => new ConfigTuple(call.args.length === 0 ? [] : itemsArgument(call, 'tuple')),
  zip,
};

export const builtins: ReadonlyMap<string, ConfigValue> = new Map<string, ConfigValue>([
  ...Object.entries(functions).map(([name, call]): [string, ConfigValue] => [name, new Callable(name, call)]),
  // Python runs a config under the name of its builtins, so that `if __name__ == '__main__'` is false in it.
  ['__name__', 'builtins'],
]);

const shallow = new Callable('copy', (call) => {
  const value = required(call, 'copy');
  if (Array.isArray(value)) return [...value];
  return value instanceof ConfigDict ? value.copy() : value;
});
const deep = new Callable('deepcopy', (call) => call.deepcopy(required(call, 'deepcopy')));

function mathFunction(name: string, compute: (value: number) => number): Callable {
  return new Callable(name, (call) => {
    const result = compute(numberArgument(call, name).value);
    if (name === 'ceil' || name === 'floor') return whole(result, call);
    if (Number.isNaN(result)) throw call.error(`math.${name}() is not defined there`);
    return new ConfigFloat(result);
  });
}

const math = {
  pi: new ConfigFloat(Math.PI),
  e: new ConfigFloat(Math.E),
  inf: new ConfigFloat(Number.POSITIVE_INFINITY),
  ...Object.fromEntries(
    (['ceil', 'floor', 'sqrt', 'log', 'log2', 'log10', 'exp'] as const).map((name) => [
      name,
      mathFunction(name, Math[name]),
    ]),
  ),
};

/** What a config may import and use. */
export const knownModules: ReadonlyMap<string, KnownModule> = new Map([
  ['copy', new KnownModule('copy', { copy: shallow, deepcopy: deep })],
  ['math', new KnownModule('math', math)],
]);
