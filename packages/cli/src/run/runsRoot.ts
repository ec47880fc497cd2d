/** Where a command about runs looks for them. */

import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** The folder to search: as given, or here when this is a run, or the folder that holds all of `names` when they are paths of runs, or `work_dirs`. */
export async function rootOf(dir: string | undefined, names: readonly string[] = []): Promise<string> {
  if (dir !== undefined) return dir;
  if (await isRun('.')) return '.';
  const [parent, ...others] = new Set(names.map((name) => dirname(resolve(name))));
  const paths = parent !== undefined && others.length === 0 && (await Promise.all(names.map(isRun)));
  return paths !== false && paths.every(Boolean) ? parent : 'work_dirs';
}

function isRun(dir: string): Promise<boolean> {
  return stat(join(dir, 'log.jsonl')).then(
    () => true,
    () => false,
  );
}
