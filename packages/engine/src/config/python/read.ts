/**
 * OpenMMLab's Python config files, as MMEngine's `Config.fromfile` reads them but without running anything: the style with `_base_` and the
 * one with `with read_base():`, whose values are merged by hand (`model.update(...)`).
 */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SyntaxNode } from '@lezer/common';
import { OmmaError } from '@omma/core';
import { merge, mergingCopy } from '../merge.ts';
import { type ConfigSource, placeText } from '../place.ts';
import { basePaths, joinBases, type Reading } from '../reading.ts';
import { ConfigDict, type ConfigValue, Opaque } from '../value.ts';
import { replaceVariables } from '../variables.ts';
import { evaluate } from './expressions.ts';
import { PythonFile, partsOf } from './file.ts';
import { baseImports, type Import, ImportedNames, importOf, isStandard } from './imports.ts';
import { Scope } from './scope.ts';
import { execute } from './statements.ts';

/** Reads a base of another format. */
export type ReadBase = (path: string, from: ConfigSource, reading: Reading) => Promise<ConfigDict>;

/** The values of a file merged with those of its bases. */
export function readPython(
  path: string,
  from: ConfigSource | null,
  reading: Reading,
  readBase: ReadBase,
): Promise<ConfigDict> {
  return reading.withFile(path, from, async (text) => {
    const style = styleOf(new PythonFile(path, text));
    if (style === 'imports') {
      if (from !== null) throw mixedStyles(path, from);
      const { values, names } = await readImporting(path, text, reading);
      return without(values, (key, value) => names.has(key) || value instanceof Opaque);
    }
    return readInheriting(path, replaceVariables(text, path), reading, readBase);
  });
}

function mixedStyles(path: string, from: ConfigSource): OmmaError {
  return new OmmaError(
    `${placeText(from)}: ${placeText({ file: path })} is written with read_base() or imports names, so _base_ cannot name it; use one style for a config and its bases`,
  );
}

/** `_base_` decides, or else whether anything is imported that is not Python's own. */
function styleOf(file: PythonFile): 'inherits' | 'imports' {
  const queue = file.parse();
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    if (node.name === 'AssignStatement' && isBaseAssignment(node, file)) return 'inherits';
    if (node.name === 'WithStatement') return 'imports';
    if (node.name === 'ImportStatement') {
      const statement = importOf(node, { file, error: (at, message) => file.error(at, message) });
      const config =
        statement.module === 'mmengine' && statement.names.every(({ name }) => name === 'Config');
      if (!isStandard(statement) && !config) return 'imports';
    }
    if (['IfStatement', 'ForStatement', 'FunctionDefinition', 'Body'].includes(node.name))
      queue.push(...partsOf(node));
  }
  return 'inherits';
}

function isBaseAssignment(node: SyntaxNode, file: PythonFile): boolean {
  return node.firstChild !== null && file.textOf(node.firstChild) === '_base_';
}

async function readInheriting(
  path: string,
  text: string,
  reading: Reading,
  readBase: ReadBase,
): Promise<ConfigDict> {
  const file = new PythonFile(path, text);
  const statements = file.parse();
  const base = await readBases(statements, file, reading, readBase);
  const scope = new Scope(file, reading.budget, new Map([['_base_', base]]));
  const withoutBases = (node: SyntaxNode) => {
    throw scope.error(node, 'a file with _base_ cannot have with read_base() too');
  };
  execute(statements, { scope, imports: new ImportedNames(), readBases: withoutBases });
  const own = without(scope.globals, (_, value) => value instanceof Opaque);
  warnOfDeprecation(own, path, reading);
  return without(merge(own, base, reading.budget), () => false);
}

/** The bases that the first assignment to `_base_` names. */
async function readBases(
  statements: readonly SyntaxNode[],
  file: PythonFile,
  reading: Reading,
  readBase: ReadBase,
): Promise<ConfigDict> {
  const node = statements.find((part) => part.name === 'AssignStatement' && isBaseAssignment(part, file));
  const value = node?.lastChild;
  if (node === undefined || value === null || value === undefined) return new ConfigDict(reading.budget);
  const source = file.sourceOf(node);
  const paths = evaluate(value, new Scope(file, reading.budget, new Map()));
  return await joinBases(basePaths(paths, source, reading), source, reading, (path, from) =>
    readBase(path, from, reading),
  );
}

/** The entries but those named `__x__` and those that `drop` tells. */
function without(dict: ConfigDict, drop: (key: string, value: ConfigValue) => boolean): ConfigDict {
  const result = dict.empty();
  for (const [key, { value, source }] of dict.entries())
    if (!String(key).startsWith('__') && !drop(String(key), value)) result.set(key, value, source);
  return result;
}

/** Takes `_deprecation_` out of a config, and says what it says. */
export function warnOfDeprecation(values: ConfigDict, path: string, reading: Reading): void {
  const note = values.get('_deprecation_');
  if (!(note instanceof ConfigDict)) return;
  values.delete('_deprecation_');
  const instead = note.has('expected') ? `; use ${String(note.get('expected'))}` : '';
  const more = note.has('reference') ? ` (see ${String(note.get('reference'))})` : '';
  reading.warn(`${placeText({ file: path })} is deprecated${instead}${more}`);
}

interface Importing {
  readonly values: ConfigDict;
  /** What is imported, here and in the bases; no part of the config. */
  readonly names: ReadonlySet<string>;
}

async function readImporting(path: string, text: string, reading: Reading): Promise<Importing> {
  const file = new PythonFile(path, text);
  const statements = file.parse();
  const scope = new Scope(file, reading.budget, new Map());
  const imports = new ImportedNames();
  const isBases = ({ name }: SyntaxNode) => name === 'WithStatement';
  // Bases come first wherever they stand, as in MMEngine.
  for (const { node, statement } of statements.filter(isBases).flatMap((part) => baseImports(part, scope))) {
    const base = modulePath(statement, node, scope, reading);
    take(statement, await readImported(base, scope.sourceOf(node), reading), node, scope, imports);
  }
  const misplaced = (node: SyntaxNode) => {
    throw scope.error(node, 'with read_base() belongs to the top of a file');
  };
  execute(
    statements.filter((node) => !isBases(node)),
    { scope, imports, readBases: misplaced },
  );
  const values = mergingCopy(
    without(scope.globals, () => false),
    reading.budget,
    { file: path },
  );
  return { values: values instanceof ConfigDict ? values : scope.globals, names: imports.names };
}

function readImported(path: string, from: ConfigSource, reading: Reading): Promise<Importing> {
  return reading.withFile(path, from, (text) => {
    const file = new PythonFile(path, text);
    const node = file.parse().find((part) => part.name === 'AssignStatement' && isBaseAssignment(part, file));
    if (node !== undefined)
      throw file.error(
        node,
        'a file that read_base() reads cannot have _base_; use one style for a config and its bases',
      );
    return readImporting(path, text, reading);
  });
}

/** Puts what `from .x import ...` asks for into the scope. */
function take(
  statement: Import,
  imported: Importing,
  node: SyntaxNode,
  scope: Scope,
  imports: ImportedNames,
): void {
  for (const name of imported.names) imports.names.add(name);
  for (const { name, as } of statement.names) {
    if (name === '*') {
      for (const [key, { value, source }] of imported.values.entries()) scope.globals.set(key, value, source);
      continue;
    }
    const entry = imported.values.entry(name);
    if (entry === undefined) throw scope.error(node, `${statement.module} has no ${name}`);
    scope.globals.set(as, entry.value, entry.source);
  }
}

/** The file of a module: relative to the importing one, or inside of a package around it or in the package folders. */
function modulePath({ level, module }: Import, node: SyntaxNode, scope: Scope, reading: Reading): string {
  const tail = `${module.replaceAll('.', '/')}.py`;
  const start = dirname(scope.file.path);
  if (level > 0) return join(start, ...Array.from({ length: level - 1 }, () => '..'), tail);
  const roots = [...ancestors(start), ...reading.packageFolders];
  const root = roots.find((folder) => existsSync(join(folder, tail)));
  if (root !== undefined && module.includes('.')) return join(root, tail);
  throw scope.error(
    node,
    `cannot find the config ${module} in the folders around this file or in those given (--package-path)`,
  );
}

function ancestors(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}
