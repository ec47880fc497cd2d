/** String literals and f-strings as values. */

import type { SyntaxNode } from '@lezer/common';
import { valueAt } from '../sources.ts';
import type { ConfigValue } from '../value.ts';
import { placeholderPath } from '../variables.ts';
import { evaluate } from './expressions.ts';
import { partsOf } from './file.ts';
import { formatted, reprOf } from './format.ts';
import type { Scope } from './scope.ts';
import { literalOf, unescaped } from './strings.ts';

/** A plain literal. One that stands for `{{ _base_.a.b }}` is that value of the bases. */
export function stringValue(node: SyntaxNode, scope: Scope): ConfigValue {
  const literal = literalOf(scope.file.textOf(node));
  if (literal === null) throw scope.error(node, 'expected a text that ends on its quote, and not of bytes');
  const path = placeholderPath(literal.body);
  return path === null ? textOf(literal.body, literal.raw, node, scope) : baseValue(path, node, scope);
}

function textOf(body: string, raw: boolean, node: SyntaxNode, scope: Scope): string {
  const text = unescaped(body, raw);
  if (text === null) throw scope.error(node, 'expected known escapes: \\n, \\t, \\x41, \\u0041 and the like');
  return text;
}

function baseValue(path: readonly string[], node: SyntaxNode, scope: Scope): ConfigValue {
  const base = scope.given.get('_base_');
  const value = base === undefined ? undefined : valueAt(base, path);
  if (value === undefined) throw scope.error(node, `there is no ${path.join('.')} in the bases`);
  return value;
}

/** f'a{b}c': text and values by turns. */
export function formatString(node: SyntaxNode, scope: Scope): string {
  const whole = scope.file.textOf(node);
  const literal = literalOf(whole);
  if (literal === null) throw scope.error(node, 'expected a text that ends on its quote, and not of bytes');
  let at = literal.offset;
  let text = '';
  const plain = (to: number) => {
    const body = whole.slice(at, to).replaceAll('{{', '{').replaceAll('}}', '}');
    return textOf(body, literal.raw, node, scope);
  };
  for (const part of partsOf(node).filter(({ name }) => name === 'FormatReplacement')) {
    text += plain(part.from - node.from) + replacement(part, scope);
    at = part.to - node.from;
  }
  const result = text + plain(literal.offset + literal.body.length);
  scope.place(node).spend(Math.ceil(result.length / 100));
  return result;
}

function replacement(node: SyntaxNode, scope: Scope): string {
  const [, expression, ...rest] = partsOf(node);
  if (expression === undefined) throw scope.error(node, 'expected a value in {}');
  const place = scope.place(node);
  const partText = (name: string) => {
    const found = rest.find((part) => part.name === name);
    return found === undefined ? '' : scope.file.textOf(found).slice(1);
  };
  const conversion = partText('FormatConversion');
  const value = evaluate(expression, scope);
  const shown = conversion === 'r' ? reprOf(value, () => place.spend(1)) : value;
  const result = formatted(shown, partText('FormatSpec'), () => place.spend(1));
  if (result === null || rest.some(({ name }) => name === 'FormatSelfDoc'))
    throw scope.error(node, `${scope.file.textOf(node)} has a format that configs cannot use`);
  return result;
}
