/** TypeScript and JavaScript config modules. They are code and run; their default export is the config, or a function that gives it. */

import { OmmaError } from '@omma/core';
import { createJiti } from 'jiti';
import type { Budget } from './budget.ts';
import { moduleLines } from './moduleLines.ts';
import { type ConfigSource, placeText } from './place.ts';
import { fromPlain } from './plain.ts';
import { ConfigDict } from './value.ts';

export const moduleExtensions = ['.ts', '.mts', '.js', '.mjs', '.cjs'];

/** `text` is the file's, in which keys are looked for. */
export async function readModule(path: string, text: string, budget: Budget): Promise<ConfigDict> {
  const source = { file: path };
  const lineOf = moduleLines(text);
  const sourceOf = (keys: readonly (string | number)[]): ConfigSource => {
    const line = lineOf(keys);
    return line === undefined ? source : { file: path, line };
  };
  const value = fromPlain(await defaultExport(path), sourceOf, budget);
  if (value instanceof ConfigDict) return value;
  throw new OmmaError(
    `${placeText(source)}: expected \`export default defineConfig({ ... })\`: an object, or a function that returns one`,
  );
}

async function defaultExport(path: string): Promise<unknown> {
  try {
    const jiti = createJiti(import.meta.url, { moduleCache: false });
    const exported: unknown = await jiti.import(path, { default: true });
    return typeof exported === 'function' ? await exported() : exported;
  } catch (error) {
    if (error instanceof OmmaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    if (reason.startsWith('Cannot find module')) {
      // jiti's error has no code. What follows in the message is the stack of files that asked.
      const missing = oneLine(reason.split('Require stack:')[0] ?? reason);
      throw new OmmaError(
        `${placeText({ file: path })}: ${missing}; install that package in the config's folder or one above (\`omma config convert --out x.yaml\` makes a config without imports), or mend the import`,
      );
    }
    throw new OmmaError(`${placeText({ file: path })}: ${oneLine(reason)}; fix the file`);
  }
}

/** What went wrong in the user's file may take several lines. */
function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join(' ');
}
