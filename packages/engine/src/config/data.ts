/**
 * JSON and YAML as config values with their lines.
 *
 * JSON is nearly YAML, so one walk over the `yaml` package's nodes serves both; that JSON is JSON is checked first. YAML is version 1.2 with merge
 * keys (`<<`): yes and no are text, dates are text, and tags that make objects are refused.
 */

import { OmmaError } from '@omma/core';
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { type Budget, checkDepth, mostDepth } from './budget.ts';
import { type ConfigSource, placeText } from './place.ts';
import { ConfigDict, ConfigFloat, type ConfigValue } from './value.ts';

/** The dict that a JSON or YAML text holds. */
export function parseData(text: string, file: string, format: 'json' | 'yaml', budget: Budget): ConfigDict {
  if (format === 'json') checkJson(text, file);
  const lines = new LineCounter();
  const document = parse(text, file, lines);
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new OmmaError(
      `${placeText({ file, line })}:${col}: ${problem.message.split('\n')[0]}; fix the file`,
    );
  }
  const sourceOf = (node: unknown): ConfigSource => {
    const range = isNode(node) ? node.range : undefined;
    return range === undefined || range === null ? { file } : { file, line: lines.linePos(range[0]).line };
  };
  const value = valueIn(document.contents, { document, sourceOf, budget, file }, 0);
  if (value instanceof ConfigDict) {
    // What editors complete the file by: `omma config schema`.
    value.delete('$schema');
    return value;
  }
  throw new OmmaError(`${placeText({ file })}: expected a config (keys and values) at the top`);
}

function checkJson(text: string, file: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new OmmaError(`${placeText({ file })}: ${String(error).replace(/^\w+: /, '')}; fix the JSON`);
  }
}

function parse(text: string, file: string, lineCounter: LineCounter): Document {
  const tooDeep = new OmmaError(`${placeText({ file })}: the config nests too deeply`);
  // The parser recurses, and takes long before it fails.
  if (bracketDepth(text) > mostBrackets || dashes.test(text)) throw tooDeep;
  const document = parsedOr(tooDeep, () =>
    parseDocument(text, { lineCounter, merge: true, prettyErrors: false, strict: true }),
  );
  if (document.errors.some(({ message }) => message.startsWith('Maximum call stack'))) throw tooDeep;
  return document;
}

/** Beyond what values may nest, and far from where the parser fails. Brackets in text count too; nobody writes so many. */
const mostBrackets = 2 * mostDepth;
/** Lists in lists without brackets, `- - - x`, and maps in maps. */
const dashes = /(?:[-?:] ){200}/;

/** What `parse` gives, or `tooDeep` where it has used up the stack. */
function parsedOr<T>(tooDeep: OmmaError, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof RangeError ? tooDeep : error;
  }
}

function bracketDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const bracket of text.match(/[[\]{}]/g) ?? []) {
    depth = Math.max(0, depth + ('[{'.includes(bracket) ? 1 : -1));
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

interface Walk {
  readonly document: Document;
  readonly sourceOf: (node: unknown) => ConfigSource;
  readonly budget: Budget;
  readonly file: string;
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}

function valueIn(node: unknown, walk: Walk, depth: number): ConfigValue {
  const where = walk.sourceOf(node);
  walk.budget.spend(1, where);
  checkDepth(depth, where);
  if (isAlias(node)) return valueIn(node.resolve(walk.document), walk, depth + 1);
  if (isSeq(node)) return node.items.map((item) => valueIn(item, walk, depth + 1));
  if (isScalar(node)) return scalarOf(node.value, node.source, where);
  if (!isMap(node)) return null;
  const result = new ConfigDict();
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? key.value : null;
    if (isMergeKey(key)) mergeInto(result, valueIn(value, walk, depth + 1), where);
    else if (typeof name === 'string' || typeof name === 'number')
      result.set(name, valueIn(value, walk, depth + 1), walk.sourceOf(key));
    else throw new OmmaError(`${placeText(walk.sourceOf(key))}: expected a key that is text or a number`);
  }
  return result;
}

/** `<<`, which the parser makes a symbol of. */
function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.source === '<<' && key.type === 'PLAIN';
}

function scalarOf(value: unknown, source: string | undefined, where: ConfigSource): ConfigValue {
  if (typeof value === 'number')
    return Number.isInteger(value) && !/[.eE]/.test(source ?? '') ? value : new ConfigFloat(value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  throw new OmmaError(`${placeText(where)}: expected text, a number, true, false or null`);
}

/** YAML's `<<: *anchor`: entries that the map does not have itself. */
function mergeInto(target: ConfigDict, from: ConfigValue, where: ConfigSource): void {
  const dicts = Array.isArray(from) ? from : [from];
  for (const dict of dicts) {
    if (!(dict instanceof ConfigDict))
      throw new OmmaError(`${placeText(where)}: << expects a map or a list of maps`);
    for (const [key, { value, source }] of dict.entries())
      if (!target.has(key)) target.set(key, value, source);
  }
}
