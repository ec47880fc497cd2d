/**
 * Compiled models on disk: compiling takes from seconds to many minutes, and the same step is compiled at every start.
 *
 * An entry is a file named after its key and beside it the checksum, so that one that was cut short or changed is seen and compiled
 * again. Entries appear by renaming, so that processes at work at the same time see whole ones; the folder is
 * kept below a size, the longest unused entries go first.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { OmmaError } from '@omma/core';
import type { Environment } from '../acl/toolkit.ts';
import { withFileLock } from './lock.ts';

export interface CacheSettings {
  readonly folder: string;
  /** Bytes that all entries together may take. */
  readonly limit: number;
}

const defaultLimit = 10 * 2 ** 30;
const suffix = '.om';
const checksumSuffix = '.sha256';
/** What is older than this and still has a temporary name was left by a process that died. */
const abandonedMilliseconds = 24 * 3600 * 1000;

/** `OMMA_ASCEND_CACHE` and `OMMA_ASCEND_CACHE_LIMIT` (bytes), or a folder of the user and 10 GiB. */
export function cacheSettings(environment: Environment = process.env): CacheSettings {
  const { OMMA_ASCEND_CACHE, OMMA_ASCEND_CACHE_LIMIT, XDG_CACHE_HOME } = environment;
  const base =
    XDG_CACHE_HOME === undefined || XDG_CACHE_HOME === '' ? join(homedir(), '.cache') : XDG_CACHE_HOME;
  const limit =
    OMMA_ASCEND_CACHE_LIMIT === undefined || OMMA_ASCEND_CACHE_LIMIT === ''
      ? defaultLimit
      : Number(OMMA_ASCEND_CACHE_LIMIT);
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new OmmaError(
      `OMMA_ASCEND_CACHE_LIMIT should be a number of bytes but is ${OMMA_ASCEND_CACHE_LIMIT}; remove it for ${defaultLimit}`,
    );
  }
  return {
    folder:
      OMMA_ASCEND_CACHE === undefined || OMMA_ASCEND_CACHE === ''
        ? join(base, 'omma', 'atc')
        : OMMA_ASCEND_CACHE,
    limit,
  };
}

/** A name for everything that decides about the result: 64 hex digits. */
export function cacheKey(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(`${part.length}:`);
    hash.update(part);
  }
  return hash.digest('hex');
}

export class CompileCache {
  readonly #settings: CacheSettings;

  constructor(settings: CacheSettings) {
    this.#settings = settings;
  }

  get folder(): string {
    return this.#settings.folder;
  }

  /** Runs `job` while no other process works at the entry `key`. */
  async exclusive<T>(key: string, job: () => Promise<T>): Promise<T> {
    await this.#makeFolder(this.folder);
    return withFileLock(`${this.#file(key)}.lock`, job);
  }

  /** The file of an entry that is there and whole; null otherwise. A damaged one is removed. */
  async find(key: string): Promise<string | null> {
    const file = this.#file(key);
    const expected = await readText(file + checksumSuffix);
    if (expected === null) return null;
    const found = await checksum(file);
    if (found === expected) {
      const now = new Date();
      await utimes(file, now, now).catch(ignoreMissing);
      return file;
    }
    await rm(file, { force: true });
    await rm(file + checksumSuffix, { force: true });
    return null;
  }

  /** Takes `source`, a file that is moved or copied into the cache, and returns the entry's file. */
  async add(key: string, source: string): Promise<string> {
    const file = this.#file(key);
    const found = await checksum(source);
    if (found === null) throw new OmmaError(`atc cache: ${source} cannot be read; compile again`);
    await writeThenRename(file + checksumSuffix, found);
    await rename(source, file);
    await this.#evict(file);
    return file;
  }

  /** A folder inside the cache's own file system for a compilation; its caller removes it. */
  async scratch(): Promise<string> {
    const folder = join(
      this.#settings.folder,
      `tmp-${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2)}`,
    );
    await this.#makeFolder(folder);
    return folder;
  }

  async #makeFolder(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true }).catch((error: Error) => {
      throw new OmmaError(
        `atc cache: ${this.folder} cannot be written (${error.message}); set OMMA_ASCEND_CACHE to another folder`,
      );
    });
  }

  /** Removes the longest unused entries, but not `kept`, until the rest fits, and what dead processes left. */
  async #evict(kept: string): Promise<void> {
    const { folder, limit } = this.#settings;
    const entries: { file: string; bytes: number; used: number }[] = [];
    for (const name of await readdir(folder)) {
      const file = join(folder, name);
      const facts = await stat(file).catch(ignoreMissing);
      if (facts === undefined) continue;
      if (name.startsWith('tmp-') && Date.now() - facts.mtimeMs > abandonedMilliseconds)
        await rm(file, { recursive: true, force: true });
      if (name.endsWith(suffix)) entries.push({ file, bytes: facts.size, used: facts.mtimeMs });
    }
    let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { file, bytes } of entries.sort((a, b) => a.used - b.used)) {
      if (total <= limit) return;
      if (file === kept) continue;
      await rm(file, { force: true });
      await rm(file + checksumSuffix, { force: true });
      total -= bytes;
    }
  }

  #file(key: string): string {
    return join(this.#settings.folder, key + suffix);
  }
}

/** Null when the file is not there. */
async function checksum(file: string): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    ignoreMissing(error);
    return null;
  }
  return hash.digest('hex');
}

async function readText(file: string): Promise<string | null> {
  const handle = await open(file).catch(ignoreMissing);
  if (handle === undefined) return null;
  try {
    // A checksum is 64 digits; whatever else the file holds is not one.
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(65), 0, 65, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function writeThenRename(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const handle = await open(temporary, 'wx');
  try {
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

/** Another process may have removed it. */
function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
