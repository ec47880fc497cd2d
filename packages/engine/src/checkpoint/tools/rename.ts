/** Names of weights, rewritten: what MMEngine's `revise_keys` does. */

import { OmmaError } from '@omma/core';
import type { StoredTensors } from '../storedTensor.ts';

export interface Rewrite {
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** `PATTERN=>REPLACEMENT`: a regular expression and what stands in for its first match, with $1 for groups. */
export function parseRewrite(text: string): Rewrite {
  const at = text.indexOf('=>');
  if (at < 0) throw new OmmaError(`${text}: expected is PATTERN=>REPLACEMENT, such as '^module\\.=>'`);
  try {
    return { pattern: new RegExp(text.slice(0, at)), replacement: text.slice(at + 2) };
  } catch (error) {
    throw new OmmaError(`${text}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Tensors whose names begin with `prefix`, without it. */
export function stripPrefix(tensors: StoredTensors, prefix: string): StoredTensors {
  const kept = [...tensors].filter(([name]) => name.startsWith(prefix));
  if (kept.length > 0) return new Map(kept.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  const begins = [...new Set([...tensors.keys()].map((name) => name.split('.')[0]))].slice(0, 8);
  throw new OmmaError(`no tensor's name begins with ${prefix}; the names begin with ${begins.join(', ')}`);
}

/** Applies every rewrite to every name, in their order. OmmaError when two tensors end up with one name. */
export function rewriteNames(tensors: StoredTensors, rewrites: readonly Rewrite[]): StoredTensors {
  const origins = new Map<string, string>();
  const renamed = [...tensors].map(([name, tensor]) => {
    const own = rewrites.reduce((text, { pattern, replacement }) => text.replace(pattern, replacement), name);
    const other = origins.get(own);
    if (other !== undefined)
      throw new OmmaError(`${other} and ${name} would both be named ${own}; change the rewrite`);
    origins.set(own, name);
    return [own, tensor] as const;
  });
  return new Map(renamed);
}
