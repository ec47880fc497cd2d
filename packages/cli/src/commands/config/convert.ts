/** `omma config convert`: a config in another format; an OpenMMLab one in Omma's terms, with a list of what has none. */

import { extname } from 'node:path';
import { OmmaError } from '@omma/core';
import {
  type ConfigDict,
  type ConfigFormat,
  configFormats,
  formatValue,
  isOpenMMLab,
  type Missing,
  translateOpenMMLab,
  writeConfig,
} from '@omma/engine';
import { textFile } from '@omma/storage';
import pc from 'picocolors';
import { type ReadingOptions, readConfig } from '../../run/configFile.ts';
import { formatTable } from '../../terminal/table.ts';

export interface ConvertOptions extends ReadingOptions {
  readonly to?: ConfigFormat;
  readonly out?: string;
  readonly asIs?: boolean;
  readonly json?: boolean;
}

export async function convertConfig(file: string, options: ConvertOptions): Promise<void> {
  const format = options.to ?? formatOf(options.out);
  const { config, missing } = converted(await readConfig(file, options), format, options);
  const text = writeConfig(config, format);
  if (options.out === undefined) process.stdout.write(text);
  else await textFile(options.out, text);
  const json = options.json === true;
  // Standard output is the config's where it has no file.
  const to = json && options.out !== undefined ? process.stdout : process.stderr;
  if (json || missing.length > 0) to.write(report(missing, json));
  process.exitCode = missing.length === 0 ? 0 : 1;
}

/** Python is OpenMMLab's format and keeps OpenMMLab's names. */
function converted(
  config: ConfigDict,
  format: ConfigFormat,
  { asIs }: ConvertOptions,
): { readonly config: ConfigDict; readonly missing: readonly Missing[] } {
  if (asIs === true || format === 'py' || !isOpenMMLab(config)) return { config, missing: [] };
  return translateOpenMMLab(config);
}

function formatOf(out: string | undefined): ConfigFormat {
  if (out === undefined) return 'ts';
  const extension = extname(out).slice(1).replace('yml', 'yaml');
  const format = configFormats.find((name) => name === extension);
  if (format === undefined)
    throw new OmmaError(`--out ${out}: expected a .ts, .json, .yaml or .py file, or --to with the format`);
  return format;
}

function report(missing: readonly Missing[], json: boolean): string {
  if (json) return `${JSON.stringify(missing, null, 2)}\n`;
  const rows = missing.map(({ path, value, reason, place }) => [
    path,
    formatValue(value),
    reason,
    place ?? '',
  ]);
  const columns = [{ title: 'no equivalent' }, { title: 'value' }, { title: 'why' }, { title: 'set at' }];
  const title =
    missing.length === 1
      ? '1 value of the config has no equivalent and was left out:'
      : `${missing.length} values of the config have no equivalent and were left out:`;
  return `${pc.yellow(title)}\n${formatTable(columns, rows)}\n`;
}
