/**
 * A Python file as a syntax tree, and the place of every node in it.
 *
 * Lezer parses whatever it is given and marks what it could not understand, so those marks are looked for before anything else is.
 */

import type { NodeType, SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@lezer/python';
import { OmmaError } from '@omma/core';
import { type ConfigSource, placeText } from '../place.ts';

/** Texts and comments, which are passed over, and numbers that end on their point. */
const literals =
  /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|#[^\n]*|(?<![\w.])(\d[\d_]*\.)(?!\d)/g;

export class PythonFile {
  /** The path that errors name. */
  readonly path: string;
  readonly text: string;
  readonly #lineStarts: number[];
  /** Offsets at which `text` has a digit that the file does not have. */
  readonly #inserted: number[] = [];

  constructor(path: string, original: string) {
    const text = this.#withFractions(original);
    this.path = path;
    this.text = text;
    this.#lineStarts = [0];
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1);
  }

  /** `1.` as `1.0`: Lezer's grammar has no number that ends on its point. */
  #withFractions(text: string): string {
    return text.replace(literals, (found, number: string | undefined, offset: number) => {
      if (number === undefined) return found;
      this.#inserted.push(offset + found.length + this.#inserted.length);
      return `${found}0`;
    });
  }

  /** The statements. Throws at the first place that is no Python. */
  parse(): SyntaxNode[] {
    const tree = parser.parse(this.text);
    this.#refuseErrors(tree);
    return partsOf(tree.topNode);
  }

  #refuseErrors(tree: Tree): void {
    const cursor = tree.cursor();
    do {
      // In a tree of some thousand calls within each other Lezer has nodes without a type.
      const type: NodeType | undefined = cursor.type;
      if (type === undefined) throw this.errorAt(0, 'its expressions are nested too deeply to be read');
      if (type.isError) throw this.errorAt(cursor.from, 'this is no Python; fix the syntax here');
    } while (cursor.next());
  }

  textOf(node: SyntaxNode): string {
    return this.text.slice(node.from, node.to);
  }

  sourceOf(node: SyntaxNode): ConfigSource {
    return { file: this.path, line: this.#lineOf(node.from) };
  }

  /** An error about `node`: `file:line:column: message`. */
  error(node: SyntaxNode, message: string): OmmaError {
    return this.errorAt(node.from, message);
  }

  errorAt(offset: number, message: string): OmmaError {
    const line = this.#lineOf(offset);
    const start = this.#lineStarts[line - 1] ?? 0;
    const added = this.#inserted.filter((at) => at >= start && at < offset).length;
    const column = offset - start - added + 1;
    return new OmmaError(`${placeText({ file: this.path, line })}:${column}: ${message}`);
  }

  #lineOf(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }
}

/** The children of a node, comments left out. */
export function partsOf(node: SyntaxNode): SyntaxNode[] {
  const result: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling)
    if (child.name !== 'Comment') result.push(child);
  return result;
}

/** The children between brackets. */
export function insideOf(node: SyntaxNode): SyntaxNode[] {
  return partsOf(node).slice(1, -1);
}

/** `nodes` cut at every node named `separator`; a trailing separator makes no empty group. */
export function groupsOf(nodes: readonly SyntaxNode[], separator: string): SyntaxNode[][] {
  const groups: SyntaxNode[][] = [[]];
  for (const node of nodes) {
    if (node.name === separator) groups.push([]);
    else groups.at(-1)?.push(node);
  }
  if (groups.at(-1)?.length === 0) groups.pop();
  return groups;
}
