/**
 * `import` in config files. What is imported is never run: a name from elsewhere is only a name (`mmdet.models.ResNet`), the config files
 * inside `with read_base():` are read, and of Python's own modules `copy` and `math` are known.
 */

import type { SyntaxNode } from '@lezer/common';
import { ImportedName } from '../value.ts';
import { knownModules } from './builtins.ts';
import { groupsOf, partsOf } from './file.ts';
import type { Scope } from './scope.ts';
import { standardModules } from './standardModules.ts';

/** An import statement, taken apart. */
export interface Import {
  /** Leading dots of `from ..x import`. */
  readonly level: number;
  readonly module: string;
  /** The names of `from x import a as b`; '*' for all; none for `import x`. */
  readonly names: readonly { readonly name: string; readonly as: string }[];
  readonly from: boolean;
  /** `import x as y`. */
  readonly alias: string | null;
}

export function importOf(node: SyntaxNode, scope: Pick<Scope, 'file' | 'error'>): Import {
  const parts = partsOf(node);
  const from = parts[0]?.name === 'from';
  const at = from ? parts.findIndex((part) => part.name === 'import') : 0;
  const head = from ? parts.slice(1, at) : parts.slice(1);
  const alias = head.findIndex((part) => part.name === 'as');
  const path = alias < 0 ? head : head.slice(0, alias);
  if (path.some((part) => part.name === ','))
    throw scope.error(node, 'expected one module an import statement');
  const text = path.map((part) => scope.file.textOf(part)).join('');
  const level = /^\.*/.exec(text)?.[0].length ?? 0;
  const aliasNode = head[alias + 1];
  return {
    level,
    module: text.slice(level),
    names: from ? importedNames(parts.slice(at + 1), node, scope) : [],
    from,
    alias: alias < 0 || aliasNode === undefined ? null : scope.file.textOf(aliasNode),
  };
}

function importedNames(parts: readonly SyntaxNode[], node: SyntaxNode, scope: Pick<Scope, 'file' | 'error'>) {
  const inner = parts[0]?.name === '(' ? parts.slice(1, -1) : parts;
  return groupsOf(inner, ',').map(([name, , alias]) => {
    if (name === undefined) throw scope.error(node, 'expected names to import');
    return { name: scope.file.textOf(name), as: scope.file.textOf(alias ?? name) };
  });
}

/** True for what Python itself brings, and for MMEngine's config module, whose `read_base` we know. */
export function isStandard({ level, module }: Import): boolean {
  if (level > 0) return false;
  return module.startsWith('mmengine.config') || standardModules.has(module.split('.')[0] ?? '');
}

/** Names that a statement imports, and that are no part of the config. */
export class ImportedNames {
  readonly names = new Set<string>();

  /** Runs an import statement outside of `with read_base()`. */
  run(node: SyntaxNode, scope: Scope): void {
    const statement = importOf(node, scope);
    if (isStandard(statement)) this.#standard(statement, node, scope);
    else if (statement.from) this.#names(statement, node, scope);
    else this.#module(statement, node, scope);
  }

  #standard({ module, names, from, alias }: Import, node: SyntaxNode, scope: Scope): void {
    const source = scope.sourceOf(node);
    if (module.startsWith('mmengine.config')) {
      for (const { as } of names) this.names.add(as);
      return;
    }
    const known = knownModules.get(module);
    if (known === undefined)
      throw scope.error(node, `import ${module}: configs may import copy and math of Python's own modules`);
    if (!from) {
      this.names.add(alias ?? module);
      scope.globals.set(alias ?? module, known, source);
    }
    for (const { name, as } of names) {
      const member = known.members.get(name);
      if (member === undefined)
        throw scope.error(node, `${module}.${name} is not among what configs may use`);
      this.names.add(as);
      scope.globals.set(as, member, source);
    }
  }

  #names({ level, module, names }: Import, node: SyntaxNode, scope: Scope): void {
    for (const { name, as } of names) {
      if (name === '*')
        throw scope.error(
          node,
          'import * is for config files inside of with read_base(); import names one by one',
        );
      this.names.add(as);
      scope.globals.set(as, new ImportedName(`${'.'.repeat(level)}${module}`, name), scope.sourceOf(node));
    }
  }

  #module({ module, alias }: Import, node: SyntaxNode, scope: Scope): void {
    // `import a.b as c` makes `a.b.D` of `c.D`; `import a.b` makes `a.D` of `a.D`.
    const target = alias === null ? (module.split('.')[0] ?? module) : module;
    this.names.add(alias ?? target);
    scope.globals.set(alias ?? target, new ImportedModule(target), scope.sourceOf(node));
  }
}

/** `import torch.nn as nn`: only its attributes mean anything. */
class ImportedModule extends ImportedName {
  constructor(module: string) {
    super(module, module);
  }

  override attribute(name: string): ImportedName {
    return new ImportedName(this.module, name);
  }
}

/** The imports in the body of `with read_base():`. */
export function baseImports(
  node: SyntaxNode,
  scope: Scope,
): { readonly node: SyntaxNode; readonly statement: Import }[] {
  const [, context, body] = partsOf(node);
  const calls = context !== undefined && context.name === 'CallExpression' ? scope.file.textOf(context) : '';
  if (!/^read_base\s*\(\s*\)$/.test(calls) || body?.name !== 'Body')
    throw scope.error(node, 'the only with that a config can have is with read_base():');
  return partsOf(body)
    .slice(1)
    .map((inner) => {
      const statement = inner.name === 'ImportStatement' ? importOf(inner, scope) : null;
      if (statement === null || !statement.from || statement.module === '')
        throw scope.error(inner, 'inside of with read_base(): expected from .file import names');
      return { node: inner, statement };
    });
}
