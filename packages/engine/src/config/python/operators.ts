/** Python's operators on config values. */

import { ConfigDict, ConfigFloat, ConfigSet, ConfigTuple, type ConfigValue, kindOf } from '../value.ts';
import { equal, itemsOf, memberKey, type Place, setOf, textCost, truthy, whole } from './call.ts';
import { type Numeric, numeric } from './numbers.ts';

/** `a op b`; `and` and `or` are not here because they need not evaluate both. */
export function binary(operator: string, a: ConfigValue, b: ConfigValue, place: Place): ConfigValue {
  const left = numeric(a);
  const right = numeric(b);
  if (left !== null && right !== null) {
    const result = arithmetic(operator, left, right, place);
    if (result !== null) return result;
  }
  const result = onSequences(operator, a, b, place);
  if (result !== null) return result;
  throw place.error(`${operator} cannot be applied to ${kindOf(a)} and ${kindOf(b)}`);
}

function arithmetic(operator: string, left: Numeric, right: Numeric, place: Place): ConfigValue | null {
  const x = left.value;
  const y = right.value;
  if (['/', '//', '%'].includes(operator) && y === 0) throw place.error('division by zero');
  const result = (value: number) => {
    if (left.float || right.float) return new ConfigFloat(value);
    return whole(value, place);
  };
  switch (operator) {
    case '+':
      return result(x + y);
    case '-':
      return result(x - y);
    case '*':
      return result(x * y);
    case '/':
      return new ConfigFloat(x / y);
    case '//':
      return result(Math.floor(x / y));
    case '%':
      return result(x - y * Math.floor(x / y));
    case '**':
      return y < 0 ? new ConfigFloat(x ** y) : result(x ** y);
    default:
      return left.float || right.float ? null : bits(operator, x, y, place);
  }
}

function bits(operator: string, x: number, y: number, place: Place): number | null {
  const small = (value: number) => value >= 0 && value <= 0x7fffffff;
  if (operator === '<<') return whole(x * 2 ** y, place);
  if (operator === '>>') return Math.floor(x / 2 ** y);
  if (!['&', '|', '^'].includes(operator)) return null;
  if (!small(x) || !small(y)) throw place.error(`${operator} takes whole numbers from 0 to 2147483647`);
  if (operator === '&') return x & y;
  return operator === '|' ? x | y : x ^ y;
}

function onSequences(operator: string, a: ConfigValue, b: ConfigValue, place: Place): ConfigValue | null {
  if (operator === '+') return concatenated(a, b, place);
  if (operator === '*') return repeated(a, b, place) ?? repeated(b, a, place);
  if (a instanceof ConfigSet && b instanceof ConfigSet) return onSets(operator, a, b, place);
  if (operator === '|' && a instanceof ConfigDict && b instanceof ConfigDict) return united(a, b, place);
  return null;
}

function concatenated(a: ConfigValue, b: ConfigValue, place: Place): ConfigValue | null {
  if (typeof a === 'string' && typeof b === 'string') {
    place.spend(textCost(a) + textCost(b));
    return a + b;
  }
  if (a instanceof ConfigTuple && b instanceof ConfigTuple) {
    place.spend(a.items.length + b.items.length);
    return new ConfigTuple([...a.items, ...b.items]);
  }
  if (!Array.isArray(a) || !Array.isArray(b)) return null;
  place.spend(a.length + b.length);
  return [...a, ...b];
}

function repeated(sequence: ConfigValue, times: ConfigValue, place: Place): ConfigValue | null {
  const count = numeric(times);
  if (count === null || count.float) return null;
  const n = Math.max(0, count.value);
  if (typeof sequence === 'string') {
    place.spend(Math.ceil((sequence.length * n) / 100));
    return sequence.repeat(n);
  }
  if (!Array.isArray(sequence) && !(sequence instanceof ConfigTuple)) return null;
  const items = itemsOf(sequence) ?? [];
  place.spend(items.length * n);
  const result = Array.from({ length: items.length * n }, (_, i) => items[i % items.length] ?? null);
  return Array.isArray(sequence) ? result : new ConfigTuple(result);
}

function onSets(operator: string, a: ConfigSet, b: ConfigSet, place: Place): ConfigSet | null {
  const members = new Set(b.items.map(memberKey));
  const inBoth = (wanted: boolean) => a.items.filter((item) => members.has(memberKey(item)) === wanted);
  if (operator === '|') return setOf([...a.items, ...b.items], place);
  if (operator === '&') return setOf(inBoth(true), place);
  return operator === '-' ? setOf(inBoth(false), place) : null;
}

function united(a: ConfigDict, b: ConfigDict, place: Place): ConfigDict {
  place.spend(a.size + b.size);
  const result = a.copy();
  for (const [key, { value, source }] of b.entries()) result.set(key, value, source);
  return result;
}

export const comparisons: ReadonlySet<string> = new Set([
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  'not in',
  'is',
  'is not',
]);

/** `a op b` for the operators of `comparisons`. */
export function compare(operator: string, a: ConfigValue, b: ConfigValue, place: Place): boolean {
  switch (operator) {
    case '==':
      return equal(a, b, place);
    case '!=':
      return !equal(a, b, place);
    case 'in':
      return contains(b, a, place);
    case 'not in':
      return !contains(b, a, place);
    case 'is':
      return a === b;
    case 'is not':
      return a !== b;
    default:
      return ordered(operator, a, b, place);
  }
}

function contains(container: ConfigValue, value: ConfigValue, place: Place): boolean {
  if (typeof container === 'string' && typeof value === 'string') {
    place.spend(textCost(container));
    return container.includes(value);
  }
  if (container instanceof ConfigDict)
    return (typeof value === 'string' || typeof value === 'number') && container.has(value);
  const items = itemsOf(container);
  if (items === null || typeof container === 'string')
    throw place.error(`in cannot be applied to ${kindOf(value)} and ${kindOf(container)}`);
  return items.some((item) => equal(item, value, place));
}

function ordered(operator: string, a: ConfigValue, b: ConfigValue, place: Place): boolean {
  const order = orderOf(a, b);
  if (order === null) throw place.error(`${operator} cannot compare ${kindOf(a)} with ${kindOf(b)}`);
  if (operator === '<') return order < 0;
  if (operator === '<=') return order <= 0;
  return operator === '>' ? order > 0 : order >= 0;
}

/** Negative, 0 or positive as `a` comes before, with or after `b`; NaN beside a NaN; null for what has no order. */
export function orderOf(a: ConfigValue, b: ConfigValue): number | null {
  const left = numeric(a);
  const right = numeric(b);
  if (left !== null && right !== null) return left.value === right.value ? 0 : left.value - right.value;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  return null;
}

/** `-a`, `+a`, `~a`, `not a`. */
export function unary(operator: string, a: ConfigValue, place: Place): ConfigValue {
  if (operator === 'not') return !truthy(a);
  const number = numeric(a);
  if (number !== null && operator === '~' && !number.float) return whole(-number.value - 1, place);
  if (number === null || (operator !== '-' && operator !== '+'))
    throw place.error(`${operator} cannot be applied to ${kindOf(a)}`);
  const value = operator === '-' ? -number.value : number.value;
  return number.float ? new ConfigFloat(value) : whole(value, place);
}
