/** Statements of config files: assignments, calls, `if`, `for`, `del`, imports. Whatever else Python has is refused. */

import type { SyntaxNode } from '@lezer/common';
import { ConfigDict, ConfigTuple, type ConfigValue, kindOf, Opaque } from '../value.ts';
import { itemsOf, truthy } from './call.ts';
import { loopNames } from './comprehensions.ts';
import { entryOf, evaluate, items, keyOf, positionOf } from './expressions.ts';
import { groupsOf, partsOf } from './file.ts';
import type { ImportedNames } from './imports.ts';
import { binary } from './operators.ts';
import type { Scope } from './scope.ts';

export interface Run {
  readonly scope: Scope;
  readonly imports: ImportedNames;
  /** Reads what `with read_base():` imports. */
  readBases(node: SyntaxNode): void;
}

/** How a loop goes on after a statement. */
type Flow = 'next' | 'break' | 'continue';

type Execute = (node: SyntaxNode, run: Run) => Flow | undefined;

export function execute(statements: readonly SyntaxNode[], run: Run): Flow {
  for (const node of statements) {
    const rule = rules[node.name];
    if (rule === undefined) throw run.scope.error(node, refusal(node));
    run.scope.place(node).spend(1);
    const flow = run.scope.nested(node, () => rule(node, run)) ?? 'next';
    if (flow !== 'next') return flow;
  }
  return 'next';
}

function refusal(node: SyntaxNode): string {
  const what = node.name.replace(/(Statement|Definition)$/, '').toLowerCase();
  return `a config is data and runs nothing: ${what} is not among what it can have (assignments, calls of data's methods, if, for, del)`;
}

const rules: Readonly<Record<string, Execute>> = {
  AssignStatement: assign,
  UpdateStatement: update,
  ExpressionStatement: (node, { scope }) => {
    for (const part of partsOf(node)) evaluate(part, scope);
    return undefined;
  },
  DeleteStatement: remove,
  PassStatement: () => undefined,
  BreakStatement: () => 'break',
  ContinueStatement: () => 'continue',
  StatementGroup: (node, run) =>
    execute(
      partsOf(node).filter(({ name }) => name !== ';'),
      run,
    ),
  IfStatement: branch,
  ForStatement: loop,
  ImportStatement: (node, { imports, scope }) => {
    imports.run(node, scope);
    return undefined;
  },
  WithStatement: (node, run) => {
    run.readBases(node);
    return undefined;
  },
  // A function is no data: MMEngine leaves it out of the config, and so do we, without ever running it.
  FunctionDefinition: (node, { scope }) => {
    const name = partsOf(node).find((part) => part.name === 'VariableName');
    if (name !== undefined)
      scope.globals.set(scope.file.textOf(name), new Opaque('function'), scope.sourceOf(node));
    return undefined;
  },
};

function assign(node: SyntaxNode, { scope }: Run): undefined {
  const parts = partsOf(node).filter(({ name }) => name !== 'TypeDef');
  const sides = groupsOf(parts, 'AssignOp');
  const right = sides.at(-1);
  if (sides.length < 2 || right === undefined) return undefined;
  if (sides[0]?.length === 1 && sides[0][0] !== undefined && scope.file.textOf(sides[0][0]) === '_base_')
    return undefined;
  const value = listValue(right, node, scope);
  for (const targets of sides.slice(0, -1)) assignTo(targets, value, node, scope);
  return undefined;
}

/** One value, or the tuple of several with commas. */
function listValue(nodes: readonly SyntaxNode[], owner: SyntaxNode, scope: Scope): ConfigValue {
  const [only] = nodes;
  if (nodes.length === 1 && only !== undefined) return evaluate(only, scope);
  return new ConfigTuple(items(nodes, owner, scope));
}

function assignTo(targets: readonly SyntaxNode[], value: ConfigValue, owner: SyntaxNode, scope: Scope): void {
  const [only] = targets;
  if (
    targets.length === 1 &&
    only !== undefined &&
    !['TupleExpression', 'ArrayExpression'].includes(only.name)
  ) {
    assignOne(only, value, scope);
    return;
  }
  const inner = targets.length === 1 && only !== undefined ? partsOf(only).slice(1, -1) : targets;
  const groups = groupsOf(inner, ',');
  const values = itemsOf(value);
  if (values === null || values.length !== groups.length)
    throw scope.error(
      owner,
      `expected ${groups.length} values to assign, not ${values?.length ?? kindOf(value)}`,
    );
  for (const [i, group] of groups.entries()) assignTo(group, values[i] ?? null, owner, scope);
}

function assignOne(target: SyntaxNode, value: ConfigValue, scope: Scope): void {
  const source = scope.sourceOf(target);
  if (target.name === 'VariableName') {
    scope.globals.set(scope.file.textOf(target), value, source);
    return;
  }
  if (target.name !== 'MemberExpression') throw scope.error(target, 'expected a name to assign to');
  const { object, key, attribute } = memberOf(target, scope);
  if (object instanceof ConfigDict) {
    if (attribute && !object.merging)
      throw scope.error(target, `a dict has no attributes; write ['${scope.file.textOf(key)}'] = ...`);
    object.set(attribute ? scope.file.textOf(key) : keyOf(key, scope), value, source);
  } else if (Array.isArray(object) && !attribute) object[positionOf(object.length, key, scope)] = value;
  else throw scope.error(target, `nothing can be assigned to a part of a ${kindOf(object)}`);
}

function memberOf(node: SyntaxNode, scope: Scope) {
  const [objectNode, opening, key, ...rest] = partsOf(node);
  const attribute = opening?.name === '.';
  if (
    objectNode === undefined ||
    key === undefined ||
    rest.length !== (attribute ? 0 : 1) ||
    key.name === ':'
  )
    throw scope.error(node, 'expected x.name or x[key]');
  return { object: evaluate(objectNode, scope), key, attribute };
}

/** `a += b`. Of lists it extends the one that is there, as in Python. */
function update(node: SyntaxNode, { scope }: Run): undefined {
  const [target, operator, ...right] = partsOf(node);
  if (target === undefined || operator === undefined) throw scope.error(node, 'expected a += b');
  const old = evaluate(target, scope);
  const value = listValue(right, node, scope);
  const symbol = scope.file.textOf(operator).replace(/=$/, '');
  const added = itemsOf(value);
  if (Array.isArray(old) && symbol === '+' && added !== null) {
    scope.place(node).spend(added.length);
    old.push(...added.slice());
    return undefined;
  }
  assignOne(target, binary(symbol, old, value, scope.place(node)), scope);
  return undefined;
}

function remove(node: SyntaxNode, { scope }: Run): undefined {
  for (const [target, ...more] of groupsOf(partsOf(node).slice(1), ',')) {
    if (target === undefined || more.length > 0)
      throw scope.error(node, 'expected del name, x.name or x[key]');
    removeOne(target, scope);
  }
  return undefined;
}

function removeOne(target: SyntaxNode, scope: Scope): void {
  if (target.name === 'VariableName') {
    if (!scope.globals.delete(scope.file.textOf(target)))
      throw scope.error(target, `${scope.file.textOf(target)} is not defined above`);
    return;
  }
  const { object, key, attribute } = memberOf(target, scope);
  if (Array.isArray(object) && !attribute) object.splice(positionOf(object.length, key, scope), 1);
  else if (object instanceof ConfigDict && (object.merging || !attribute)) {
    const name = attribute ? scope.file.textOf(key) : keyOf(key, scope);
    entryOf(object, name, key, scope);
    object.delete(name);
  } else throw scope.error(target, `nothing can be deleted from a ${kindOf(object)}`);
}

function branch(node: SyntaxNode, run: Run): Flow {
  const parts = partsOf(node);
  for (let i = 0; i < parts.length; ) {
    const conditioned = parts[i]?.name !== 'else';
    const condition = parts[i + 1];
    const body = parts[i + (conditioned ? 2 : 1)];
    if (condition === undefined || body === undefined) break;
    if (!conditioned || truthy(evaluate(condition, run.scope))) return execute(statementsOf(body), run);
    i += 3;
  }
  return 'next';
}

function loop(node: SyntaxNode, run: Run): Flow {
  const { scope } = run;
  const parts = partsOf(node);
  const body = parts.findIndex((part) => part.name === 'Body');
  const [bodyNode, ...rest] = parts.slice(body);
  if (body < 0 || bodyNode === undefined) throw scope.error(node, 'expected a loop');
  for (const names of loopNames(parts.slice(1, body), node, scope)) {
    for (const [name, value] of names) scope.globals.set(name, value, scope.sourceOf(node));
    if (execute(statementsOf(bodyNode), run) === 'break') return 'next';
  }
  const [, otherwise] = rest;
  return otherwise === undefined ? 'next' : execute(statementsOf(otherwise), run);
}

function statementsOf(body: SyntaxNode): SyntaxNode[] {
  return partsOf(body).slice(1);
}
