/**
 * Writing a file so that a crash at any moment leaves either the old one or the new one: a temporary file beside it, synced,
 * renamed over it, and the directory synced.
 */

import { open, rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OmmaError } from '@omma/core';

/** The suffix of files that are not finished. */
export const temporarySuffix = '.partial';

/** Writes `parts` one after the other to `path`, atomically. A full disk is an OmmaError, and leaves nothing behind. */
export async function writeAtomically(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}${temporarySuffix}`;
  try {
    const file = await open(temporary, 'w');
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw await explained(error, path, parts);
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function explained(error: unknown, path: string, parts: readonly Uint8Array[]): Promise<unknown> {
  const code = codeOf(error);
  if (code === null) return error;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') {
    return new OmmaError(
      `${path}: cannot write (${code}); check that the directory exists and may be written to`,
    );
  }
  const needed = parts.reduce((total, part) => total + part.length, 0);
  const free = await statfs(dirname(path)).then(
    ({ bavail, bsize }) => `${formatBytes(bavail * bsize)} are free`,
    () => 'the disk is full',
  );
  return new OmmaError(
    `${path}: needs ${formatBytes(needed)} but ${free}; free some space, then try again (a training run goes on with --resume)`,
  );
}

/** The code of a system error; null for anything else. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

function formatBytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
