/** The runs that a command is about, read from their logs, with progress where that takes long. */

import { join, resolve } from 'node:path';
import { type Run, RunSet } from '@omma/board';
import { OmmaError } from '@omma/core';
import { nearest } from '@omma/engine';
import { byteProgress } from '../terminal/byteProgress.ts';
import { rootOf } from './runsRoot.ts';

/** Names that a message lists. */
const mostNames = 12;

/** The runs that `names` are about: all under a folder, or those at the paths. Close what comes back: that keeps the index. */
export async function openRuns(dir: string | undefined, names: readonly string[] = []): Promise<RunSet> {
  const { root, only } = await rootOf(dir, names);
  const bar = byteProgress(process.stderr, 'reading logs');
  const set = new RunSet(root, {
    onProgress: (done, total) => bar.update(done, total),
    ...(only === undefined ? {} : { only }),
  });
  try {
    await set.refresh();
  } finally {
    bar.end();
  }
  if (set.runs.length === 0) {
    set.close();
    throw new OmmaError(
      `${root}: holds no runs (folders with a log.jsonl); name the folder of your work directories`,
    );
  }
  return set;
}

/** The runs with these names among all under `root`; all of them for no names. A name may also be a path to the run's folder. */
export function chooseRuns(set: RunSet, names: readonly string[]): Run[] {
  if (names.length === 0) return set.runs;
  const chosen = names.map((name) => {
    const found =
      set.run(name) ?? set.runs.find(({ dir }) => dir === resolve(name) || dir === join(set.root, name));
    if (found !== undefined) return found;
    const known = set.runs.map((run) => run.name);
    const close = nearest(name, known);
    throw new OmmaError(
      `${set.root}: has no run ${name}${close === null ? '' : `; did you mean ${close}?`}; its runs: ${known.slice(0, mostNames).join(', ')}${known.length > mostNames ? ` and ${known.length - mostNames} more` : ''}`,
    );
  });
  return [...new Set(chosen)];
}
