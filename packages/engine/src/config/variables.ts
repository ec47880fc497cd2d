/**
 * `{{ }}` in a config's text, replaced before the text is parsed, as MMEngine does: `{{ fileDirname }}`, `{{ fileBasename }}`,
 * `{{ fileBasenameNoExtension }}`, `{{ fileExtname }}`, `{{$NAME:default}}` from the environment, and `{{ _base_.a.b }}`, which becomes a
 * text that is replaced by the bases' value later.
 */

import { basename, dirname, extname } from 'node:path';
import { OmmaError } from '@omma/core';
import { placeText } from './place.ts';
import { valueAt } from './sources.ts';
import { ConfigDict, ConfigTuple, type ConfigValue } from './value.ts';

const placeholderStart = '_omma_base_value:';

/** The text with its variables replaced. `file` is the absolute path; line numbers stay as they are. */
export function replaceVariables(text: string, file: string): string {
  const extension = extname(file);
  const values: Readonly<Record<string, string>> = {
    fileDirname: dirname(file),
    fileBasename: basename(file),
    fileBasenameNoExtension: basename(file, extension),
    fileExtname: extension,
  };
  const named = text.replace(/\{\{\s*(file\w+)\s*\}\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? '').replaceAll('\\', '/') : whole,
  );
  return named
    .replace(
      /\{\{['"]?\s*\$(\w+)\s*:\s*(\S*?)\s*['"]?\}\}/g,
      (whole, name: string, standard: string, at: number) => {
        const value = process.env[name] ?? standard;
        if (value !== '') return value;
        const line = named.slice(0, at).split('\n').length;
        throw new OmmaError(
          `${placeText({ file, line })}: ${whole} has no default and ${name} is not set; set it in the environment`,
        );
      },
    )
    .replace(/\{\{\s*_base_\.([\w.]+)\s*\}\}/g, (_, path: string) => `"${placeholderStart}${path}"`);
}

/** The path in the bases that a text stands for; null for any other text. */
export function placeholderPath(text: string): readonly string[] | null {
  return text.startsWith(placeholderStart) ? text.slice(placeholderStart.length).split('.') : null;
}

/** The values of JSON and YAML files with those of their bases put in. */
export function replaceBaseValues(value: ConfigValue, base: ConfigDict): ConfigValue {
  const inner = (item: ConfigValue) => replaceBaseValues(item, base);
  if (Array.isArray(value)) return value.map(inner);
  if (value instanceof ConfigTuple) return new ConfigTuple(value.items.map(inner));
  if (value instanceof ConfigDict) {
    const result = value.empty();
    for (const [key, entry] of value.entries()) result.set(key, inner(entry.value), entry.source);
    return result;
  }
  const path = typeof value === 'string' ? placeholderPath(value) : null;
  if (path === null) return value;
  const found = valueAt(base, path);
  if (found === undefined)
    throw new OmmaError(`{{ _base_.${path.join('.')} }}: the bases have no such value`);
  return found;
}
