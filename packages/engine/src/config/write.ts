/** Configs as text: TypeScript, JSON, YAML, and OpenMMLab's Python. */

import { OmmaError } from '@omma/core';
import { stringify } from 'yaml';
import { Budget } from './budget.ts';
import { fromPlain, toPlain } from './plain.ts';
import { quoted, reprOf } from './python/format.ts';
import { ConfigDict, type ConfigKey, ConfigTuple, type ConfigValue, ImportedName } from './value.ts';

export const configFormats = ['ts', 'json', 'yaml', 'py'] as const;
export type ConfigFormat = (typeof configFormats)[number];

/** The text of a config file. Tuples and sets are lists in every format but Python's. */
export function writeConfig(config: ConfigDict, format: ConfigFormat): string {
  if (format === 'py') return pythonText(config);
  return writePlain(toPlain(config), format);
}

/** The same for plain data. */
export function writePlain(plain: unknown, format: ConfigFormat): string {
  if (format === 'py') {
    const config = fromPlain(plain, () => ({ file: 'config' }), new Budget());
    if (config instanceof ConfigDict) return pythonText(config);
    throw new OmmaError('expected a config: keys and values');
  }
  if (format === 'json') return `${JSON.stringify(plain, null, 2)}\n`;
  if (format === 'yaml') return stringify(plain, { lineWidth: 100, aliasDuplicateObjects: false });
  return `import type {} from '@omma/classification';\nimport { defineConfig } from '@omma/engine';\n\nexport default defineConfig(${typeScriptText(plain, 0)});\n`;
}

const lineWidth = 100;

/** On one line where it fits, else a line an item. */
function block(open: string, items: readonly string[], close: string, indent: number, pad: string): string {
  const flat = items.length === 0 ? `${open}${close}` : `${open}${pad}${items.join(', ')}${pad}${close}`;
  if (!flat.includes('\n') && indent + flat.length <= lineWidth) return flat;
  const inner = ' '.repeat(indent + 2);
  return `${open}\n${items.map((item) => `${inner}${item},\n`).join('')}${' '.repeat(indent)}${close}`;
}

const identifier = /^[A-Za-z_$][\w$]*$/;

function typeScriptText(value: unknown, indent: number): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => typeScriptText(item, indent + 2));
    return block('[', items, ']', indent, '');
  }
  if (typeof value === 'object' && value !== null) {
    const items = Object.entries(value).map(([key, item]) => {
      const name = identifier.test(key) ? key : singleQuoted(key);
      return `${name}: ${typeScriptText(item, indent + 2)}`;
    });
    return block('{', items, '}', indent, ' ');
  }
  if (typeof value === 'string') return singleQuoted(value);
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'undefined');
}

function singleQuoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return `'${inner.replaceAll("'", "\\'")}'`;
}

const pythonKeywords = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
);

const pythonName = (key: ConfigKey): key is string =>
  typeof key === 'string' && /^[A-Za-z_]\w*$/.test(key) && !pythonKeywords.has(key);

/** An assignment a key, as `Config.dump` of MMEngine writes. */
function pythonText(config: ConfigDict): string {
  const budget = new Budget();
  const spend = () => budget.spend(1, { file: 'config' });
  const assignments = config.entries().map(([key, { value }]) => {
    if (!pythonName(key))
      throw new OmmaError(`${String(key)} is no name in Python, so the config cannot be written as Python`);
    return `${key} = ${pythonValue(value, 0, spend)}\n`;
  });
  return assignments.join('');
}

function pythonValue(value: ConfigValue, indent: number, spend: () => void): string {
  spend();
  const inner = (item: ConfigValue) => pythonValue(item, indent + 2, spend);
  if (Array.isArray(value)) return block('[', value.map(inner), ']', indent, '');
  if (value instanceof ConfigTuple && value.items.length > 1)
    return block('(', value.items.map(inner), ')', indent, '');
  if (value instanceof ConfigDict) {
    const entries = value.entries();
    if (entries.every(([key]) => pythonName(key))) {
      const items = entries.map(([key, entry]) => `${key}=${inner(entry.value)}`);
      return block('dict(', items, ')', indent, '');
    }
    const items = entries.map(
      ([key, entry]) => `${typeof key === 'number' ? key : quoted(key)}: ${inner(entry.value)}`,
    );
    return block('{', items, '}', indent, '');
  }
  // A name that the config imports is written as MMEngine's to_dict writes it: the text of its path.
  return value instanceof ImportedName ? quoted(value.toString()) : reprOf(value, spend);
}
