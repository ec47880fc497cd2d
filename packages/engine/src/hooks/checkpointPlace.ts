/** Where a run's checkpoints are, and what they are called: what writes them and what goes on from them must agree. */

import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { defaultTemplate, listCheckpoints } from '../checkpoint/folder.ts';
import type { Config } from '../config/types.ts';

export interface CheckpointPlace {
  readonly directory: string;
  /** {} is the iteration. */
  readonly template: string;
}

/** The last checkpoint in `place` that was written at `time` or later, in milliseconds since 1970: not one of an earlier run that this one replaces. Null where there is none. */
export async function newestSince(
  { directory, template }: CheckpointPlace,
  time: number,
): Promise<string | null> {
  const [newest] = await listCheckpoints(directory, template);
  if (newest === undefined) return null;
  const found = await stat(newest).catch(() => null);
  return found !== null && found.mtimeMs >= time ? newest : null;
}

/** What to do after a run has broken, in a few words: where it goes on. */
export function goOn(checkpoint: string | null): string {
  return checkpoint === null
    ? 'no checkpoint had been written yet, start it again'
    : `the same command with --resume goes on from ${checkpoint}`;
}

/** In the work directory, or in a folder of its name in `outDir` of the config's checkpoint hook. */
export function checkpointPlace({
  config,
  workDir,
}: {
  readonly config: Config;
  readonly workDir: string;
}): CheckpointPlace {
  const { outDir, filenameTemplate = defaultTemplate } = config.defaultHooks?.checkpoint ?? {};
  return { directory: inFolderOf(outDir, workDir), template: filenameTemplate };
}

/** The work directory's place in another folder, which holds those of several runs; the work directory itself without one. */
export function inFolderOf(outDir: string | undefined, workDir: string): string {
  return outDir === undefined ? workDir : join(outDir, basename(resolve(workDir)));
}
