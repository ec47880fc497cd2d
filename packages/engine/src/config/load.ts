/** Config files: TypeScript, JavaScript or JSON in, a checked config out. */

import { readFile } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { OmmaError } from '@omma/core';
import { createJiti } from 'jiti';
import { applyOverrides } from './overrides.ts';
import { checkConfig } from './schema.ts';
import type { Config } from './types.ts';

export interface LoadConfigOptions {
  /** `a.b=c` settings that replace values of the file; see `applyOverrides`. */
  readonly set?: readonly string[];
}

const moduleExtensions = ['.ts', '.mts', '.js', '.mjs', '.cjs'];

/**
 * Reads, overrides and checks a config file. A TypeScript or JavaScript file's default export is the config; it is code, and runs.
 * Sets `workDir` to work_dirs/<file name> when the file leaves it open.
 */
export async function loadConfig(file: string, { set = [] }: LoadConfigOptions = {}): Promise<Config> {
  const raw = applyOverrides(await readRaw(file), set);
  const config = checkConfig(raw, file);
  return { workDir: `work_dirs/${basename(file, extname(file))}`, ...config };
}

/** What went wrong in the user's file may take several lines. */
function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join(' ');
}

async function readRaw(file: string): Promise<unknown> {
  const path = resolve(file);
  const extension = extname(path);
  if (extension !== '.json' && !moduleExtensions.includes(extension)) {
    throw new OmmaError(
      `${file}: a config is a .ts, .js or .json file, not ${extension === '' ? 'one without extension' : extension}`,
    );
  }
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new OmmaError(`${file}: cannot read the config (${error.code ?? error.message}); check the path`);
  });
  try {
    if (extension === '.json') return JSON.parse(text);
    const exported: unknown = await createJiti(import.meta.url, { moduleCache: false }).import(path, {
      default: true,
    });
    return exported;
  } catch (error) {
    if (error instanceof OmmaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`${file}: ${oneLine(reason)}; fix the file`);
  }
}
