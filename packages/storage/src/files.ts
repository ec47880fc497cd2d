/**
 * Writing a file so that a crash at any moment leaves either the old one or the new one: a temporary file beside it, synced,
 * renamed over it, and the directory synced.
 */

import { type FileHandle, link, mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OmmaError } from '@omma/core';

/** The suffix of files that are not finished. */
export const temporarySuffix = '.partial';

/** Writes `parts` one after the other to `path`, atomically, whose folder is made where it is missing. A full disk is an OmmaError, and leaves nothing behind. */
export async function writeAtomically(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const bytes = parts.reduce((total, part) => total + part.length, 0);
  await replaceAtomically(path, bytes, async (file) => {
    for (const part of parts) await file.writeFile(part);
  });
}

/**
 * Lets `write` fill a file of `bytes` in any order it likes, then puts it at `path`, atomically; a missing folder is made. Where the file is named by what it turned out
 * to contain, `name` gives its path in the same directory. Returns the path.
 */
export async function replaceAtomically(
  path: string,
  bytes: number,
  write: (file: FileHandle) => Promise<void>,
  name: (file: FileHandle) => Promise<string> = async () => path,
): Promise<string> {
  const temporary = `${path}${temporarySuffix}`;
  try {
    const file = await openAnew(temporary);
    let final = path;
    try {
      await write(file);
      final = await name(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, final);
    await syncDirectory(dirname(path));
    return final;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw await explained(error, path, bytes);
  }
}

/** A file for writing, and for reading, since what was written may be read again for a checksum. */
async function openAnew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w+');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await makeFolder(dirname(path));
    return open(path, 'w+');
  }
}

/** What file systems without hard links, or with no more of them for a file, answer. */
const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/**
 * Gives the file at `from` the second name `path` in the same directory, atomically. No file of a run is ever changed in place, so the two never
 * part. False where the file system cannot.
 */
export async function linkAtomically(from: string, path: string): Promise<boolean> {
  const temporary = `${path}${temporarySuffix}`;
  try {
    await rm(temporary, { force: true });
    await link(from, temporary);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    return true;
  } catch (error) {
    if (noLinks.includes(codeOf(error) ?? '')) return false;
    throw await explained(error, path, 0);
  } finally {
    // Two names of one file are left as they are by a rename.
    await rm(temporary, { force: true }).catch(() => {});
  }
}

/**
 * Makes a folder and those above it. Node's own `recursive` never returns where a file system says of a new folder in a folder that is there
 * that it does not exist (/proc, some automounters).
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const parent = dirname(path);
    const above = codeOf(error) === 'ENOENT' && parent !== path;
    if (above && !(await isFolder(parent))) {
      await makeFolder(parent);
      await makeFolder(path);
    } else if (!(await isFolder(path))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

/** All of `bytes` at `position`, however many the system takes at once. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** A small text file, written atomically. */
export function textFile(path: string, text: string): Promise<void> {
  return writeAtomically(path, [new TextEncoder().encode(text)]);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function explained(error: unknown, path: string, needed: number): Promise<unknown> {
  const code = codeOf(error);
  if (code === null) return error;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') {
    return new OmmaError(
      `${path}: cannot write (${code}); check that the folder can be made and may be written to`,
    );
  }
  const free = await statfs(dirname(path)).then(
    ({ bavail, bsize }) => `${formatBytes(bavail * bsize)} are free`,
    () => 'the disk is full',
  );
  return new OmmaError(
    `${path}: needs ${formatBytes(needed)} but ${free}; free some space, then try again (a training run goes on with --resume)`,
  );
}

/** The code of a system error, like ENOENT; null for anything else, Node's own errors (`ERR_...`) included. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return null;
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : null;
}

export function formatBytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
