/** The checkpoints of a work directory: their names, the newest whole one, and which may be deleted. */

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OmmaError } from '@omma/core';
import { codeOf, temporarySuffix } from '@omma/storage';
import { type Checkpoint, loadCheckpoint } from './checkpoint.ts';

/** How the checkpoints of a run are called unless its config says otherwise: `iter_0000000128.safetensors`. {} is the iteration. */
export const defaultTemplate = 'iter_{}.safetensors';

/** The iteration with ten digits in its place in `template`: sorts by name as by time. */
export function checkpointName(iteration: number, template = defaultTemplate): string {
  return template.replace('{}', String(iteration).padStart(10, '0'));
}

/** True for the names that `checkpointName` gives. */
function isNumbered(name: string, template: string): boolean {
  const [before = '', after = ''] = template.split('{}');
  if (!name.startsWith(before) || !name.endsWith(after)) return false;
  return /^\d{10,}$/.test(name.slice(before.length, name.length - after.length));
}

export const bestName = 'best.safetensors';

/** Text file with the name of the newest checkpoint, as OpenMMLab has it. */
export const lastName = 'last_checkpoint';

/** Paths of the numbered checkpoints, newest first; none where the directory does not exist. */
export async function listCheckpoints(directory: string, template = defaultTemplate): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown): string[] => {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return [];
    throw new OmmaError(`${directory}: cannot be read (${codeOf(error) ?? String(error)})`);
  });
  return names
    .filter((name) => isNumbered(name, template))
    .sort()
    .reverse()
    .map((name) => join(directory, name));
}

/**
 * The newest checkpoint that can be read; damaged ones are reported and passed over. Null when there is none at all. OmmaError when
 * all are damaged: to begin anew in their place would throw away what a repair might save.
 */
export async function newestCheckpoint(
  directory: string,
  warn: (message: string) => void,
  template = defaultTemplate,
): Promise<Checkpoint | null> {
  const paths = await listCheckpoints(directory, template);
  for (const [i, path] of paths.entries()) {
    try {
      return await loadCheckpoint(path);
    } catch (error) {
      if (!(error instanceof OmmaError)) throw error;
      if (i < paths.length - 1) warn(`${error.message}; trying the one before`);
      else throw new OmmaError(`${error.message}; ${directory} has no other checkpoint to resume from`);
    }
  }
  return null;
}

/**
 * Deletes all but the `keep` newest numbered checkpoints up to `iteration`, and what unfinished writes left behind. Checkpoints
 * beyond `iteration` belong to an earlier run in the same directory: a resume must not find them, so they go too.
 */
export async function prune(
  directory: string,
  keep: number,
  iteration: number,
  template = defaultTemplate,
): Promise<void> {
  const own = join(directory, checkpointName(iteration, template));
  const all = await listCheckpoints(directory, template);
  const past = all.filter((path) => path <= own);
  const old = [...all.filter((path) => path > own), ...past.slice(keep)];
  const names = await readdir(directory);
  const partial = names.filter((name) => name.endsWith(temporarySuffix)).map((name) => join(directory, name));
  await Promise.all([...old, ...partial].map((path) => rm(path, { force: true })));
}
