/**
 * Expressions of OpenMMLab's Python config files, evaluated by an allow-list: what is not in the table below is an error that names
 * its line. Nothing is executed: there are no user functions, no attributes but those of data, no modules but `copy` and `math`.
 */

import type { SyntaxNode } from '@lezer/common';
import { nearest } from '../nearest.ts';
import { ConfigDict, type ConfigKey, ConfigTuple, type ConfigValue, ImportedName, kindOf } from '../value.ts';
import { Callable, KnownModule, pairsInto } from './builtins.ts';
import { itemsOf, setOf, truthy } from './call.ts';
import { comprehensionItems, generatorItems } from './comprehensions.ts';
import { groupsOf, insideOf, partsOf } from './file.ts';
import { callMethod, namesOf } from './methods.ts';
import { parseNumber } from './numbers.ts';
import { binary, compare, comparisons, unary } from './operators.ts';
import type { Scope } from './scope.ts';
import { formatString, stringValue } from './text.ts';

type Evaluate = (node: SyntaxNode, scope: Scope) => ConfigValue;

export function evaluate(node: SyntaxNode, scope: Scope): ConfigValue {
  const rule = rules[node.name];
  if (rule === undefined) throw scope.error(node, refusal(node, scope));
  scope.place(node).spend(1);
  return scope.nested(node, () => rule(node, scope));
}

function refusal(node: SyntaxNode, scope: Scope): string {
  const text = scope.file.textOf(node);
  const shown = text.length <= 40 ? text : `${text.slice(0, 37)}...`;
  const what = node.name.replace(/Expression$/, '').toLowerCase();
  return `expected data (numbers, text, lists, dicts and what is computed from them), not a ${what} expression: ${shown}`;
}

const rules: Readonly<Record<string, Evaluate>> = {
  Number: (node, scope) => {
    const value = parseNumber(scope.file.textOf(node));
    if (value === null) throw scope.error(node, 'expected a float, or a whole number below 2^53');
    return value;
  },
  String: stringValue,
  FormatString: formatString,
  ContinuedString: (node, scope) =>
    partsOf(node)
      .map((part) => String(evaluate(part, scope)))
      .join(''),
  Boolean: (node, scope) => scope.file.textOf(node) === 'True',
  None: () => null,
  VariableName: variable,
  ParenthesizedExpression: (node, scope) => evaluate(only(insideOf(node), node, scope), scope),
  TupleExpression: (node, scope) => new ConfigTuple(items(insideOf(node), node, scope)),
  ArrayExpression: (node, scope) => items(insideOf(node), node, scope),
  SetExpression: (node, scope) => setOf(items(insideOf(node), node, scope), scope.place(node)),
  DictionaryExpression: dictionary,
  ArrayComprehensionExpression: (node, scope) => comprehensionItems(insideOf(node), scope),
  SetComprehensionExpression: (node, scope) =>
    setOf(comprehensionItems(insideOf(node), scope), scope.place(node)),
  // What makes its values one by one in Python is a list here; only loops and functions see it.
  ComprehensionExpression: (node, scope) => comprehensionItems(insideOf(node), scope),
  DictionaryComprehensionExpression: dictionaryComprehension,
  BinaryExpression: binaryExpression,
  UnaryExpression: (node, scope) => {
    const [operator, operand] = partsOf(node);
    if (operator === undefined || operand === undefined) throw scope.error(node, 'expected an operand');
    return unary(scope.file.textOf(operator), evaluate(operand, scope), scope.place(node));
  },
  ConditionalExpression: (node, scope) => {
    const [then, , condition, , otherwise] = partsOf(node);
    if (then === undefined || condition === undefined || otherwise === undefined)
      throw scope.error(node, 'expected a if b else c');
    return evaluate(truthy(evaluate(condition, scope)) ? then : otherwise, scope);
  },
  MemberExpression: member,
  CallExpression: call,
};

function only(nodes: readonly SyntaxNode[], node: SyntaxNode, scope: Scope): SyntaxNode {
  const [first] = nodes;
  if (nodes.length !== 1 || first === undefined) throw scope.error(node, 'expected one value');
  return first;
}

function variable(node: SyntaxNode, scope: Scope): ConfigValue {
  const name = scope.file.textOf(node);
  const value = scope.lookup(name);
  if (value !== undefined) return value;
  const close = nearest(name, scope.names());
  const hint = close === null ? '' : `; did you mean ${close}?`;
  throw scope.error(node, `${name} is not defined above${hint}`);
}

/** The values of a list: `a, *b, c`. */
export function items(nodes: readonly SyntaxNode[], owner: SyntaxNode, scope: Scope): ConfigValue[] {
  const result: ConfigValue[] = [];
  for (const [first, second, ...more] of groupsOf(nodes, ',')) {
    if (first === undefined || more.length > 0) throw scope.error(first ?? owner, 'expected one value');
    if (second === undefined) result.push(evaluate(first, scope));
    else if (first.name === '*') result.push(...spread(second, scope));
    else throw scope.error(first, 'expected a comma between values');
    scope.place(first).spend(1);
  }
  return result;
}

function spread(node: SyntaxNode, scope: Scope): readonly ConfigValue[] {
  const value = evaluate(node, scope);
  const found = itemsOf(value);
  if (found === null) throw scope.error(node, `* expects a list, tuple, set or dict, not ${kindOf(value)}`);
  scope.place(node).spend(found.length);
  return found;
}

function spreadDict(node: SyntaxNode, scope: Scope): ConfigDict {
  const value = evaluate(node, scope);
  if (value instanceof ConfigDict) return value;
  throw scope.error(node, `** expects a dict, not ${kindOf(value)}`);
}

function dictionary(node: SyntaxNode, scope: Scope): ConfigDict {
  const result = new ConfigDict();
  for (const [first, second, third] of groupsOf(insideOf(node), ',')) {
    if (first === undefined || second === undefined) throw scope.error(node, 'expected key: value');
    const source = scope.sourceOf(first);
    if (first.name === '**') pairsInto(result, spreadDict(second, scope), source, scope.place(first));
    else if (third === undefined) throw scope.error(first, 'expected key: value');
    else result.set(keyOf(first, scope), evaluate(third, scope), source);
  }
  return result;
}

/** A dict's key: text, or a whole number. */
export function keyOf(node: SyntaxNode, scope: Scope): ConfigKey {
  const key = evaluate(node, scope);
  if (typeof key === 'string' || typeof key === 'number') return key;
  throw scope.error(node, `expected a key that is text or a whole number, not ${kindOf(key)}`);
}

function dictionaryComprehension(node: SyntaxNode, scope: Scope): ConfigDict {
  const result = new ConfigDict();
  const inside = insideOf(node);
  const [key, , value] = inside;
  if (key === undefined || value === undefined) throw scope.error(node, 'expected key: value');
  generatorItems(inside.slice(3), scope, () =>
    result.set(keyOf(key, scope), evaluate(value, scope), scope.sourceOf(key)),
  );
  return result;
}

function binaryExpression(node: SyntaxNode, scope: Scope): ConfigValue {
  const parts = partsOf(node);
  const left = parts.at(0);
  const right = parts.at(-1);
  if (left === undefined || right === undefined) throw scope.error(node, 'expected two operands');
  const operator = operatorOf(node, scope);
  if (operator === 'and' || operator === 'or') {
    const value = evaluate(left, scope);
    return truthy(value) === (operator === 'and') ? evaluate(right, scope) : value;
  }
  if (!comparisons.has(operator))
    return binary(operator, evaluate(left, scope), evaluate(right, scope), scope.place(node));
  if (left.name !== 'BinaryExpression' || !comparisons.has(operatorOf(left, scope)))
    return compare(operator, evaluate(left, scope), evaluate(right, scope), scope.place(node));
  // a < b < c is a < b and b < c.
  const middle = partsOf(left).at(-1);
  if (middle === undefined || evaluate(left, scope) === false) return false;
  return compare(operator, evaluate(middle, scope), evaluate(right, scope), scope.place(node));
}

/** The text between the operands: `+`, `not in`. */
function operatorOf(node: SyntaxNode, scope: Scope): string {
  return partsOf(node)
    .slice(1, -1)
    .map((part) => scope.file.textOf(part))
    .join(' ');
}

/** `x.name`, `x[key]`, `x[a:b:c]`. */
function member(node: SyntaxNode, scope: Scope): ConfigValue {
  const [object, ...rest] = partsOf(node);
  if (object === undefined) throw scope.error(node, 'expected a value');
  const value = evaluate(object, scope);
  if (rest[0]?.name === '.') return attribute(value, only(rest.slice(1), node, scope), scope);
  return element(value, rest.slice(1, -1), node, scope);
}

function attribute(value: ConfigValue, nameNode: SyntaxNode, scope: Scope): ConfigValue {
  const name = scope.file.textOf(nameNode);
  if (value instanceof ImportedName) return value.attribute(name);
  if (value instanceof KnownModule) {
    const found = value.members.get(name);
    if (found !== undefined) return found;
    throw scope.error(nameNode, `${value.name}.${name} is not among what configs may use`);
  }
  if (!(value instanceof ConfigDict))
    throw scope.error(nameNode, `a ${kindOf(value)} has no attribute ${name}`);
  if (!value.merging) throw scope.error(nameNode, `a dict has no attribute ${name}; write ['${name}']`);
  return entryOf(value, name, nameNode, scope);
}

export function entryOf(dict: ConfigDict, key: ConfigKey, node: SyntaxNode, scope: Scope): ConfigValue {
  const value = dict.get(key);
  if (value !== undefined) return value;
  const close = nearest(String(key), dict.keys().map(String));
  const hint = close === null ? `it has ${namesOf(dict) || 'no keys'}` : `did you mean ${close}?`;
  throw scope.error(node, `there is no key ${key}; ${hint}`);
}

function element(
  value: ConfigValue,
  index: readonly SyntaxNode[],
  node: SyntaxNode,
  scope: Scope,
): ConfigValue {
  if (index.some((part) => part.name === ':')) return slice(value, index, node, scope);
  const keyNode = only(index, node, scope);
  if (value instanceof ConfigDict) return entryOf(value, keyOf(keyNode, scope), keyNode, scope);
  const found = itemsOf(value);
  if (found === null) throw scope.error(node, `a ${kindOf(value)} has no elements`);
  return found[positionOf(found.length, keyNode, scope)] ?? null;
}

/** An index into a sequence, negative ones counted from the end. */
export function positionOf(length: number, node: SyntaxNode, scope: Scope): number {
  const index = evaluate(node, scope);
  const position = typeof index === 'number' && index < 0 ? index + length : index;
  if (typeof position === 'number' && position >= 0 && position < length) return position;
  const shown = typeof index === 'number' || typeof index === 'string' ? String(index) : kindOf(index);
  throw scope.error(node, `${shown} does not index a list of ${length} entries`);
}

function slice(
  value: ConfigValue,
  index: readonly SyntaxNode[],
  node: SyntaxNode,
  scope: Scope,
): ConfigValue {
  const found = itemsOf(value);
  if (found === null || value instanceof ConfigDict)
    throw scope.error(node, `a ${kindOf(value)} has no slices`);
  const bounds = groupsOf(index, ':').map(([bound]) => bound);
  const [from, to, by] = bounds.map((bound) => (bound === undefined ? null : evaluate(bound, scope)));
  const step = by ?? 1;
  if (typeof step !== 'number' || step === 0) throw scope.error(node, 'expected a step other than 0');
  const clamp = (bound: ConfigValue, standard: number) => {
    if (bound === null) return standard;
    if (typeof bound !== 'number') throw scope.error(node, 'expected whole numbers as bounds');
    const at = bound < 0 ? bound + found.length : bound;
    return step > 0 ? Math.min(Math.max(at, 0), found.length) : Math.min(Math.max(at, -1), found.length - 1);
  };
  const start = clamp(from ?? null, step > 0 ? 0 : found.length - 1);
  const end = clamp(to ?? null, step > 0 ? found.length : -1);
  const taken: ConfigValue[] = [];
  for (let i = start; step > 0 ? i < end : i > end; i += step) taken.push(found[i] ?? null);
  scope.place(node).spend(taken.length);
  if (typeof value === 'string') return taken.join('');
  return value instanceof ConfigTuple ? new ConfigTuple(taken) : taken;
}

function call(node: SyntaxNode, scope: Scope): ConfigValue {
  const [callee, list] = partsOf(node);
  if (callee === undefined || list === undefined) throw scope.error(node, 'expected a call');
  if (callee.name === 'MemberExpression') {
    const [object, dot, name] = partsOf(callee);
    if (object !== undefined && dot?.name === '.' && name !== undefined) {
      const receiver = evaluate(object, scope);
      if (!(receiver instanceof ImportedName) && !(receiver instanceof KnownModule))
        return method(receiver, name, list, node, scope);
    }
  }
  const target = evaluate(callee, scope);
  if (!(target instanceof Callable)) {
    const why =
      target instanceof ImportedName ? 'what is imported is only named, never run' : 'it is no function';
    throw scope.error(node, `${scope.file.textOf(callee)}(...) cannot be evaluated: ${why}`);
  }
  return target.call(scope.call(node, ...argumentsOf(list, scope)));
}

function method(
  receiver: ConfigValue,
  nameNode: SyntaxNode,
  list: SyntaxNode,
  node: SyntaxNode,
  scope: Scope,
): ConfigValue {
  const name = scope.file.textOf(nameNode);
  const result = callMethod(receiver, name, scope.call(node, ...argumentsOf(list, scope)));
  if (result === undefined)
    throw scope.error(nameNode, `.${name}() of a ${kindOf(receiver)} is not among what configs may use`);
  return result;
}

/** Positional and named arguments. */
function argumentsOf(list: SyntaxNode, scope: Scope): [ConfigValue[], ConfigDict] {
  const args: ConfigValue[] = [];
  const named = new ConfigDict();
  const inside = insideOf(list);
  if (inside.some((part) => part.name === 'for')) return [[comprehensionItems(inside, scope)], named];
  for (const [first, second, third] of groupsOf(inside, ',')) {
    if (first === undefined) throw scope.error(list, 'expected an argument');
    if (first.name === '*' && second !== undefined) args.push(...spread(second, scope));
    else if (first.name === '**' && second !== undefined)
      addNamed(named, spreadDict(second, scope), first, scope);
    else if (second === undefined) args.push(evaluate(first, scope));
    else if (third !== undefined) {
      const single = new ConfigDict();
      single.set(scope.file.textOf(first), evaluate(third, scope), scope.sourceOf(first));
      addNamed(named, single, first, scope);
    } else throw scope.error(first, 'expected an argument');
    scope.place(first).spend(1);
  }
  return [args, named];
}

function addNamed(named: ConfigDict, more: ConfigDict, node: SyntaxNode, scope: Scope): void {
  for (const [key, { value, source }] of more.entries()) {
    if (named.has(key)) throw scope.error(node, `${key} is given twice`);
    named.set(key, value, source);
  }
}
