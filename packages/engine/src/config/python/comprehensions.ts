/** Comprehensions, and the binding of loop variables. */

import type { SyntaxNode } from '@lezer/common';
import { type ConfigValue, kindOf } from '../value.ts';
import { itemsOf, truthy } from './call.ts';
import { evaluate } from './expressions.ts';
import { groupsOf, insideOf } from './file.ts';
import type { Scope } from './scope.ts';

/** `value for a in b if c`: the values. */
export function comprehensionItems(nodes: readonly SyntaxNode[], scope: Scope): ConfigValue[] {
  const [value, ...clauses] = nodes;
  const result: ConfigValue[] = [];
  if (value !== undefined) generatorItems(clauses, scope, () => result.push(evaluate(value, scope)));
  return result;
}

/** Runs `body` for each combination that the clauses `for a in b if c for d in e` give. */
export function generatorItems(clauses: readonly SyntaxNode[], scope: Scope, body: () => void): void {
  const [keyword] = clauses;
  if (keyword === undefined) {
    body();
    return;
  }
  const end = clauses.findIndex((node, i) => i > 0 && (node.name === 'for' || node.name === 'if'));
  const own = end < 0 ? clauses.slice(1) : clauses.slice(1, end);
  const rest = end < 0 ? [] : clauses.slice(end);
  if (keyword.name === 'if') {
    const [condition] = own;
    if (condition === undefined || own.length > 1) throw scope.error(keyword, 'expected one condition');
    if (truthy(evaluate(condition, scope))) generatorItems(rest, scope, body);
    return;
  }
  if (keyword.name !== 'for') throw scope.error(keyword, 'expected for or if');
  for (const names of loopNames(own, keyword, scope))
    scope.withLocals(names, () => generatorItems(rest, scope, body));
}

/** The variables of `a, b in items`, for each of the items. */
export function* loopNames(
  clause: readonly SyntaxNode[],
  owner: SyntaxNode,
  scope: Scope,
): Generator<Map<string, ConfigValue>> {
  const at = clause.findIndex((node) => node.name === 'in');
  const iterable = clause[at + 1];
  if (at < 1 || iterable === undefined || clause.length > at + 2)
    throw scope.error(owner, 'expected for NAME in LIST');
  const value = evaluate(iterable, scope);
  const found = itemsOf(value);
  if (found === null) throw scope.error(iterable, `a ${kindOf(value)} cannot be looped over`);
  scope.place(owner).spend(found.length);
  const targets = targetNames(clause.slice(0, at), owner, scope);
  for (const item of found.slice()) yield bound(targets, item, owner, scope);
}

/** One name, or several in parentheses or not. */
function targetNames(
  nodes: readonly SyntaxNode[],
  owner: SyntaxNode,
  scope: Scope,
): { readonly names: readonly string[]; readonly single: boolean } {
  const [first] = nodes;
  const inner = first?.name === 'TupleExpression' ? insideOf(first) : nodes;
  const groups = groupsOf(inner, ',');
  const names = groups.map(([name, ...more]) => {
    if (name?.name !== 'VariableName' || more.length > 0)
      throw scope.error(owner, 'expected names to assign to');
    return scope.file.textOf(name);
  });
  return { names, single: inner === nodes && nodes.length === 1 };
}

function bound(
  { names, single }: { readonly names: readonly string[]; readonly single: boolean },
  item: ConfigValue,
  owner: SyntaxNode,
  scope: Scope,
): Map<string, ConfigValue> {
  const [first] = names;
  if (single && first !== undefined) return new Map([[first, item]]);
  const parts = itemsOf(item);
  if (parts === null || parts.length !== names.length)
    throw scope.error(owner, `expected ${names.length} values to assign to ${names.join(', ')}`);
  return new Map(names.map((name, i) => [name, parts[i] ?? null]));
}
