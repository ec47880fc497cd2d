/** Where a run's checkpoints are, and what they are called: what writes them and what goes on from them must agree. */

import { basename, join, resolve } from 'node:path';
import { defaultTemplate } from '../checkpoint/folder.ts';
import type { Config } from '../config/types.ts';

export interface CheckpointPlace {
  readonly directory: string;
  /** {} is the iteration. */
  readonly template: string;
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
