/** `str()`, `repr()` and format specifications of config values. */

import {
  type ConfigDict,
  ConfigFloat,
  type ConfigKey,
  ConfigSet,
  ConfigTuple,
  type ConfigValue,
  ImportedName,
  Opaque,
} from '../value.ts';
import { exponentText, fixedText, floatText, numeric } from './numbers.ts';

/** Called for every value that is written, so that the caller can bound the work. */
export type Paid = (depth: number) => void;

/** Python's `str(value)`. */
export function strOf(value: ConfigValue, paid: Paid): string {
  return typeof value === 'string' ? value : reprOf(value, paid);
}

/** Python's `repr(value)`. */
export function reprOf(value: ConfigValue, paid: Paid, depth = 0): string {
  paid(depth);
  const inner = (item: ConfigValue) => reprOf(item, paid, depth + 1);
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quoted(value);
  if (value instanceof ConfigFloat) return floatText(value.value);
  if (value instanceof ImportedName) return value.name;
  if (value instanceof Opaque) return '<function>';
  if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`;
  if (value instanceof ConfigTuple)
    return `(${value.items.map(inner).join(', ')}${value.items.length === 1 ? ',' : ''})`;
  if (value instanceof ConfigSet)
    return value.items.length === 0 ? 'set()' : `{${value.items.map(inner).join(', ')}}`;
  return dictText(value, inner);
}

function dictText(value: ConfigDict, inner: (item: ConfigValue) => string): string {
  return `{${value
    .entries()
    .map(([key, entry]) => `${keyText(key)}: ${inner(entry.value)}`)
    .join(', ')}}`;
}

export function keyText(key: ConfigKey): string {
  return typeof key === 'number' ? String(key) : quoted(key);
}

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

/** A string as Python writes it: in single quotes unless only they occur in it. */
export function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
  const body = text.replace(/[\\\x00-\x1f\x7f]/g, (letter) => {
    return named[letter] ?? `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `${quote}${quote === "'" ? body.replaceAll("'", "\\'") : body}${quote}`;
}

const widest = 1000;

/** `format(value, spec)` for what configs use: fill, width, precision, and the types d, f, e, s and %. Null for anything else. */
export function formatted(value: ConfigValue, spec: string, paid: Paid): string | null {
  if (spec === '') return strOf(value, paid);
  const match = /^([<>^]?)(0?)(\d*)(?:\.(\d+))?([dfe%s]?)$/.exec(spec);
  if (match === null) return null;
  const [, align = '', zero = '', widthText = '', precisionText, type = ''] = match;
  const width = Number(widthText);
  const precision = precisionText === undefined ? null : Number(precisionText);
  if (width > widest || (precision ?? 0) > 100) return null;
  const number = numeric(value);
  const text =
    number === null ? textWith(value, type, precision, paid) : numberWith(value, type, precision, paid);
  if (text === null) return null;
  if (zero === '0' && align === '' && number !== null) return zeroFilled(text, width);
  if (align === '>' || (align === '' && number !== null)) return text.padStart(width);
  if (align === '^') return text.padStart(text.length + Math.floor((width - text.length) / 2)).padEnd(width);
  return text.padEnd(width);
}

function zeroFilled(text: string, width: number): string {
  return text.startsWith('-') ? `-${text.slice(1).padStart(width - 1, '0')}` : text.padStart(width, '0');
}

function textWith(value: ConfigValue, type: string, precision: number | null, paid: Paid): string | null {
  if (typeof value !== 'string' || !['', 's'].includes(type)) return null;
  const text = strOf(value, paid);
  return precision === null ? text : text.slice(0, precision);
}

function numberWith(value: ConfigValue, type: string, precision: number | null, paid: Paid): string | null {
  const number = numeric(value);
  if (number === null || !Number.isFinite(number.value)) return null;
  switch (type) {
    case '':
      return precision === null ? strOf(value, paid) : null;
    case 'd':
      return number.float || precision !== null ? null : String(number.value);
    case 'f':
      return fixedText(number.value, precision ?? 6);
    case 'e':
      return exponentText(number.value, precision ?? 6);
    case '%': {
      const text = fixedText(100 * number.value, precision ?? 6);
      return text === null ? null : `${text}%`;
    }
    default:
      return null;
  }
}
