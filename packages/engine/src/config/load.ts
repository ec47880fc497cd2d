/** A config file as the Runner takes it: read with its bases, changed by `--set`, checked. */

import { basename, extname, resolve } from 'node:path';
import { Budget } from './budget.ts';
import { deleteKey } from './merge.ts';
import { isOpenMMLab, translatedWhole } from './openmmlab/translate.ts';
import { applyOverrides, overrideAt } from './overrides.ts';
import { placeText } from './place.ts';
import { toPlain } from './plain.ts';
import { readConfigFile } from './read.ts';
import type { ReadOptions } from './reading.ts';
import { checkConfig } from './schema.ts';
import { sourceAt, valueAt } from './sources.ts';
import type { Config } from './types.ts';
import type { ConfigDict } from './value.ts';

export interface LoadConfigOptions extends ReadOptions {
  /** `a.b=c` settings that replace values of the file; see `applyOverrides`. */
  readonly set?: readonly string[];
}

/**
 * Reads, overrides and checks a config file. A TypeScript or JavaScript file's default export is the config, or a function that returns it; it
 * is code, and runs. Sets `workDir` to work_dirs/<file name> when the file leaves it open.
 */
export async function loadConfig(
  file: string,
  { set = [], ...options }: LoadConfigOptions = {},
): Promise<Config> {
  const read = await readConfigFile(file, options);
  const values = isOpenMMLab(read) ? translatedWhole(read, resolve(file)) : read;
  const config = checkConfig(plainConfig(values, set), file, placeOf(values, set, file));
  return { workDir: `work_dirs/${basename(file, extname(file))}`, ...config };
}

/** What the schema is asked about: plain data, with `--set` applied and without any `_delete_` that had nothing to delete. */
export function plainConfig(values: ConfigDict, set: readonly string[] = []): unknown {
  return applyOverrides(toPlain(values, new Budget(), deleteKey), set);
}

/** Tells what set the value at a path: a `--set`, or a file; null when it is no more than the file itself. */
export function placeOf(
  values: ConfigDict,
  set: readonly string[],
  file: string,
): (path: readonly PropertyKey[]) => string | null {
  return (path) => {
    // What is in none of the files is there because of a setting of something in it.
    const setting = overrideAt(set, path, path.length > 0 && valueAt(values, path) === undefined);
    if (setting !== null) return `--set ${setting}`;
    const source = sourceAt(values, path);
    if (source === null || (source.line === undefined && source.file === resolve(file))) return null;
    return placeText(source);
  };
}
