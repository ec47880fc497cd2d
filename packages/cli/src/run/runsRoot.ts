/** Where a command about runs looks for them. */

import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

export interface RunsRoot {
  readonly root: string;
  /** The folders of the runs, where they were named by paths that no one folder holds; else all under the root are meant. */
  readonly only?: readonly string[];
}

/** The folder to search: as given, or here when this is a run, or the folder that holds all of `names` when they are paths of runs, or `work_dirs`. */
export async function rootOf(dir: string | undefined, names: readonly string[] = []): Promise<RunsRoot> {
  if (dir !== undefined) return { root: dir };
  if (await isRun('.')) return { root: '.' };
  const areRuns = names.length > 0 && (await Promise.all(names.map(isRun))).every(Boolean);
  if (!areRuns) return { root: 'work_dirs' };
  const [parent = '.', ...others] = new Set(names.map((name) => dirname(resolve(name))));
  return others.length === 0 ? { root: parent } : { root: '.', only: names };
}

function isRun(dir: string): Promise<boolean> {
  return stat(join(dir, 'log.jsonl')).then(
    () => true,
    () => false,
  );
}
