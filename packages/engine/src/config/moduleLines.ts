/**
 * The lines of a TypeScript or JavaScript config's keys, so that a mistake in one is named with file and line. The text is parsed, not run: a key has a line when it
 * stands in the file literally, whatever functions are around it.
 */

import type { SyntaxNode } from '@lezer/common';
import { parser } from '@lezer/javascript';

/** The line (from 1) of the key at a path, or of the nearest key around it; undefined where not even the first key of the path stands in the file. */
export type LineOf = (path: readonly (string | number)[]) => number | undefined;

interface Place {
  readonly line: number;
  readonly inner: ReadonlyMap<string, Place>;
}

/** An object that is not part of another one. */
interface Root {
  readonly keys: ReadonlyMap<string, Place>;
  readonly exported: boolean;
}

export function moduleLines(text: string): LineOf {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const roots: Root[] = [];
  const tree = parser.configure({ dialect: 'ts' }).parse(text);
  tree.iterate({
    enter: ({ node }) => {
      if (node.name !== 'ObjectExpression') return true;
      roots.push({ keys: keysOf(node, text, starts, 0), exported: isExported(node, text) });
      return false;
    },
  });
  return (path) => lineIn(roots, path);
}

/** Of several objects that fit equally well, the one that is exported; no line where that does not decide. */
function lineIn(roots: readonly Root[], path: readonly (string | number)[]): number | undefined {
  const found = roots.flatMap(({ keys, exported }) => {
    const places = walk(keys, path);
    const last = places.at(-1);
    return last === undefined ? [] : [{ depth: places.length, line: last.line, exported }];
  });
  const deepest = Math.max(0, ...found.map(({ depth }) => depth));
  const best = found.filter(({ depth }) => depth === deepest);
  const chosen = best.length > 1 ? best.filter(({ exported }) => exported) : best;
  return chosen.length === 1 ? chosen[0]?.line : undefined;
}

function walk(keys: ReadonlyMap<string, Place>, path: readonly (string | number)[]): Place[] {
  const places: Place[] = [];
  let inner = keys;
  for (const key of path) {
    const place = inner.get(String(key));
    if (place === undefined) break;
    places.push(place);
    inner = place.inner;
  }
  return places;
}

/** Deeper than any config; a text of brackets alone is not followed further. */
const mostDepth = 100;

function keysOf(
  node: SyntaxNode,
  text: string,
  starts: readonly number[],
  depth: number,
): Map<string, Place> {
  const keys = new Map<string, Place>();
  const put = (key: string, at: SyntaxNode, value: SyntaxNode | null) => {
    const container = value === null || depth > mostDepth ? null : containerIn(value);
    const inner = container === null ? new Map<string, Place>() : keysOf(container, text, starts, depth + 1);
    keys.set(key, { line: lineAt(starts, at.from), inner });
  };
  if (node.name === 'ArrayExpression') {
    let index = 0;
    for (let item = node.firstChild; item !== null; item = item.nextSibling)
      if (!'[],'.includes(item.name)) put(String(index++), item, item);
    return keys;
  }
  for (const property of node.getChildren('Property')) {
    const first = property.firstChild;
    if (first === null || !['PropertyDefinition', 'String', 'Number'].includes(first.name)) continue;
    const key = text.slice(first.from, first.to);
    put(first.name === 'String' ? key.slice(1, -1) : key, first, property.lastChild);
  }
  return keys;
}

/** The object or list that an expression is, also in parentheses and before `as const` or `satisfies`. */
function containerIn(node: SyntaxNode): SyntaxNode | null {
  if (node.name === 'ObjectExpression' || node.name === 'ArrayExpression') return node;
  if (node.name !== 'ParenthesizedExpression' && node.name !== 'BinaryExpression') return null;
  for (let part = node.firstChild; part !== null; part = part.nextSibling) {
    const found = containerIn(part);
    if (found !== null) return found;
  }
  return null;
}

function isExported(node: SyntaxNode, text: string): boolean {
  for (let up: SyntaxNode | null = node; up !== null; up = up.parent)
    if (up.name === 'ExportDeclaration') return /^export\s+default\b/.test(text.slice(up.from, up.to));
  return false;
}

/** The line of a position, by bisection. */
function lineAt(starts: readonly number[], position: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= position) low = middle;
    else high = middle;
  }
  return low + 1;
}
