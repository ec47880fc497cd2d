/** `omma config print`: the resolved config, or where each of its values comes from. */

import {
  applyOverrides,
  type ConfigDict,
  type ConfigFormat,
  formatPath,
  formatValue,
  placeOf,
  toPlain,
  writeConfig,
  writePlain,
} from '@omma/engine';
import { inOmmaTerms, type ReadingOptions, readConfig } from '../../run/configFile.ts';
import { formatTable } from '../../terminal/table.ts';
import { leavesOf } from './leaves.ts';

export interface PrintOptions extends ReadingOptions {
  readonly set: readonly string[];
  readonly format: ConfigFormat;
  readonly sources?: boolean;
  readonly omma?: boolean;
  readonly json?: boolean;
}

export async function printConfig(file: string, options: PrintOptions): Promise<void> {
  const read = await readConfig(file, options);
  const config = options.omma === true ? inOmmaTerms(read) : read;
  const plain = applyOverrides(toPlain(config), options.set);
  if (options.sources === true) process.stdout.write(sources(plain, config, file, options));
  else if (options.set.length === 0) process.stdout.write(writeConfig(config, formatOf(options)));
  else process.stdout.write(writePlain(plain, formatOf(options)));
}

function formatOf({ json, format }: PrintOptions): ConfigFormat {
  return json === true ? 'json' : format;
}

function sources(plain: unknown, config: ConfigDict, file: string, options: PrintOptions): string {
  const place = placeOf(config, options.set, file);
  const rows = leavesOf(plain).map(({ path, value }) => ({
    path: formatPath(path),
    value,
    place: place(path) ?? file,
  }));
  if (options.json === true) return `${JSON.stringify(rows, null, 2)}\n`;
  const columns = [{ title: 'value' }, { title: '' }, { title: 'set at' }];
  const cells = rows.map((row) => [row.path, formatValue(row.value), row.place]);
  return `${formatTable(columns, cells)}\n`;
}
