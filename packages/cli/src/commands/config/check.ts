/** `omma config check`: every mistake of the configs, and what of an OpenMMLab one has no equivalent. */

import { OmmaError } from '@omma/core';
import {
  type ConfigDict,
  configProblems,
  formatPath,
  formatValue,
  isOpenMMLab,
  placeOf,
  plainConfig,
  translateOpenMMLab,
} from '@omma/engine';
import pc from 'picocolors';
import { type ReadingOptions, readConfig } from '../../run/configFile.ts';

export interface CheckOptions extends ReadingOptions {
  readonly set: readonly string[];
  readonly json?: boolean;
}

interface Mistake {
  /** Null when the file cannot be read as a config at all. */
  readonly path: string | null;
  readonly value: unknown;
  readonly message: string;
  readonly place: string | null;
}

export async function checkConfigs(files: readonly string[], options: CheckOptions): Promise<void> {
  const results: { file: string; mistakes: Mistake[] }[] = [];
  for (const file of files) results.push({ file, mistakes: await mistakesOf(file, options) });
  if (options.json === true) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  else for (const { file, mistakes } of results) process.stdout.write(report(file, mistakes));
  process.exitCode = results.every(({ mistakes }) => mistakes.length === 0) ? 0 : 1;
}

async function mistakesOf(file: string, options: CheckOptions): Promise<Mistake[]> {
  try {
    const config = await readConfig(file, options);
    return isOpenMMLab(config) ? translated(config, file, options) : schemaMistakes(config, file, options);
  } catch (error) {
    if (!(error instanceof OmmaError)) throw error;
    return [{ path: null, value: null, message: error.message, place: null }];
  }
}

function translated(from: ConfigDict, file: string, options: CheckOptions): Mistake[] {
  const { config, missing } = translateOpenMMLab(from);
  if (missing.length === 0) return schemaMistakes(config, file, options);
  return missing.map(({ path, value, reason, place }) => ({ path, value, message: reason, place }));
}

function schemaMistakes(config: ConfigDict, file: string, { set }: CheckOptions): Mistake[] {
  const place = placeOf(config, set, file);
  return configProblems(plainConfig(config, set)).map(({ path, value, message, cause }) => ({
    path: formatPath(path),
    value,
    message,
    place: place(cause ?? path) ?? file,
  }));
}

function report(file: string, mistakes: readonly Mistake[]): string {
  if (mistakes.length === 0) return `${pc.green('good')}  ${file}\n`;
  const count = `${mistakes.length} ${mistakes.length === 1 ? 'mistake' : 'mistakes'}`;
  const lines = mistakes.map(({ path, value, message, place }) => {
    if (path === null) return `  ${message}`;
    return `  ${pc.bold(path)} is ${formatValue(value)}: ${message}${place === null ? '' : pc.dim(` (${place})`)}`;
  });
  return `${pc.red(count)}  ${file}\n${lines.join('\n')}\n`;
}
