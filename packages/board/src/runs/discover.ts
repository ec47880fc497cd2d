/** Finds runs: folders with a log.jsonl, under a folder of work directories. */

import { readdir } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { OmmaError } from '@omma/core';
import { logName } from './run.ts';

/** Folders inside folders that are searched. */
const deepest = 8;

export interface FoundRun {
  readonly dir: string;
  readonly name: string;
}

/** What a run is called: its folder relative to that of the work directories. */
export function runName(root: string, dir: string): string {
  const name = relative(resolve(root), resolve(dir)).split(sep).join('/');
  return name === '' ? basename(resolve(dir)) : name;
}

/** All runs under `root`, by name. Links are not followed, so that nothing outside of it is found. */
export async function discoverRuns(root: string): Promise<FoundRun[]> {
  const top = resolve(root);
  const found: FoundRun[] = [];
  const search = async (dir: string, depth: number): Promise<void> => {
    const entries = await readdir(dir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (depth > 0) return [];
      throw new OmmaError(
        error.code === 'ENOTDIR'
          ? `${root}: expected the folder of the work directories, found a file; name the folder that it lies in`
          : `${root}: cannot read the folder of the work directories (${error.code ?? error.message}); check the path`,
      );
    });
    if (entries.some((entry) => entry.isFile() && entry.name === logName)) {
      found.push({ dir, name: runName(top, dir) });
    }
    if (depth === deepest) return;
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
      if (entry.name === 'node_modules' || entry.name === 'vis_data') continue;
      await search(join(dir, entry.name), depth + 1);
    }
  };
  await search(top, 0);
  return found.sort((a, b) => a.name.localeCompare(b.name));
}
