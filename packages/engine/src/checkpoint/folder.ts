/** The checkpoints of a work directory: their names, the newest whole one, and which may be deleted. */

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OmmaError } from '@omma/core';
import { type Checkpoint, loadCheckpoint } from './checkpoint.ts';
import { temporarySuffix } from './files.ts';

const pattern = /^iter_(\d+)\.safetensors$/;

/** `iter_0000000128.safetensors`: sorts by name as by time. */
export function checkpointName(iteration: number): string {
  return `iter_${String(iteration).padStart(10, '0')}.safetensors`;
}

export const bestName = 'best.safetensors';

/** Paths of the numbered checkpoints, newest first. */
export async function listCheckpoints(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .filter((name) => pattern.test(name))
    .sort()
    .reverse()
    .map((name) => join(directory, name));
}

/** The newest checkpoint that can be read; damaged ones are reported and passed over. Null when there is none. */
export async function newestCheckpoint(
  directory: string,
  warn: (message: string) => void,
): Promise<Checkpoint | null> {
  for (const path of await listCheckpoints(directory)) {
    try {
      return await loadCheckpoint(path);
    } catch (error) {
      if (!(error instanceof OmmaError)) throw error;
      warn(`${error.message}; trying the one before`);
    }
  }
  return null;
}

/** Deletes all but the `keep` newest numbered checkpoints, and what unfinished writes left behind. */
export async function prune(directory: string, keep: number): Promise<void> {
  const old = (await listCheckpoints(directory)).slice(keep);
  const names = await readdir(directory);
  const partial = names.filter((name) => name.endsWith(temporarySuffix)).map((name) => join(directory, name));
  await Promise.all([...old, ...partial].map((path) => rm(path, { force: true })));
}
