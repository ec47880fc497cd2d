/** What an evaluation of one file shares: the file, its names, and the bound on its cost. */

import type { SyntaxNode } from '@lezer/common';
import type { OmmaError } from '@omma/core';
import { type Budget, checkDepth } from '../budget.ts';
import type { ConfigSource } from '../place.ts';
import { ConfigDict, ConfigTuple, type ConfigValue } from '../value.ts';
import { builtins } from './builtins.ts';
import type { Call, Place } from './call.ts';
import type { PythonFile } from './file.ts';

export class Scope {
  readonly file: PythonFile;
  readonly budget: Budget;
  /** The file's own names, which become the config. */
  readonly globals: ConfigDict;
  /** Names that are there but are no part of the config: `_base_`. */
  readonly given: ReadonlyMap<string, ConfigValue>;
  /** The variables of comprehensions around the current expression, innermost last. */
  readonly #locals: Map<string, ConfigValue>[] = [];
  #depth = 0;

  constructor(file: PythonFile, budget: Budget, given: ReadonlyMap<string, ConfigValue>) {
    this.file = file;
    this.budget = budget;
    this.globals = new ConfigDict();
    this.given = given;
  }

  lookup(name: string): ConfigValue | undefined {
    for (const locals of this.#locals.toReversed()) {
      const value = locals.get(name);
      if (value !== undefined) return value;
    }
    // None is null here, so only undefined goes on to the next.
    const own = this.globals.get(name);
    if (own !== undefined) return own;
    return this.given.has(name) ? this.given.get(name) : builtins.get(name);
  }

  /** Every name that could be meant, for the nearest one. */
  names(): string[] {
    const locals = this.#locals.flatMap((names) => [...names.keys()]);
    return [...locals, ...this.globals.keys().map(String), ...this.given.keys(), ...builtins.keys()];
  }

  /** Runs `body` with more local names. */
  withLocals(names: Map<string, ConfigValue>, body: () => void): void {
    this.#locals.push(names);
    try {
      body();
    } finally {
      this.#locals.pop();
    }
  }

  /** Evaluates one level deeper; the nesting of a file's text is bounded like that of its values. */
  nested<Result>(node: SyntaxNode, body: () => Result): Result {
    this.#depth++;
    checkDepth(this.#depth, this.file.sourceOf(node));
    try {
      return body();
    } finally {
      this.#depth--;
    }
  }

  sourceOf(node: SyntaxNode): ConfigSource {
    return this.file.sourceOf(node);
  }

  error(node: SyntaxNode, message: string): OmmaError {
    return this.file.error(node, message);
  }

  place(node: SyntaxNode): Place {
    const source = this.sourceOf(node);
    return {
      source,
      error: (message) => this.error(node, message),
      spend: (steps) => this.budget.spend(steps, source),
    };
  }

  call(node: SyntaxNode, args: readonly ConfigValue[], named: ConfigDict): Call {
    const where = this.sourceOf(node);
    return { ...this.place(node), args, named, deepcopy: (value) => deepCopy(value, this.budget, where) };
  }
}

/** Python's deep copy: what was shared inside is shared in the copy. */
function deepCopy(
  value: ConfigValue,
  budget: Budget,
  where: ConfigSource,
  done = new Map<ConfigValue, ConfigValue>(),
  depth = 0,
): ConfigValue {
  if (typeof value !== 'object' || value === null) return value;
  const known = done.get(value);
  if (known !== undefined) return known;
  budget.spend(1, where);
  checkDepth(depth, where);
  const copy = (item: ConfigValue) => deepCopy(item, budget, where, done, depth + 1);
  if (Array.isArray(value)) {
    const result: ConfigValue[] = [];
    done.set(value, result);
    for (const item of value) result.push(copy(item));
    return result;
  }
  if (value instanceof ConfigDict) {
    const result = value.empty();
    done.set(value, result);
    for (const [key, entry] of value.entries()) result.set(key, copy(entry.value), entry.source);
    return result;
  }
  const result = value instanceof ConfigTuple ? new ConfigTuple(value.items.map(copy)) : value;
  done.set(value, result);
  return result;
}
