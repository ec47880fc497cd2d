/**
 * Files of servers as files on disk: downloaded once into a cache, under a key of address and ETag, so that a file that changes on the server is
 * fetched again. What is in the cache was complete, and matched the checksum in its name.
 */

import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { OmmaError } from '@omma/core';
import { codeOf, formatBytes, makeFolder, replaceAtomically, temporarySuffix } from './files.ts';
import { identityOf } from './identity.ts';
import { requestOf } from './location.ts';
import { type Persistence, persistently, serverOf } from './persistence.ts';
import { receive } from './receive.ts';
import { ask, standardPatience } from './request.ts';

export interface DownloadOptions {
  /** Called with the bytes that are there and those there will be. */
  readonly onProgress?: (done: number, total: number) => void;
  /** For the cache's folder and for S3: see `cacheFolder` and `openByteSource`. */
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds without a byte after which a connection counts as broken; 30 seconds unless given. */
  readonly patience?: number;
  /** How often a server is asked that does not answer, is busy, or breaks off without another byte; see `standardPersistence`. */
  readonly persistence?: Persistence;
}

/** What a killed process left behind is thrown away after a day: nothing downloads that long without a byte. */
const abandonedAfter = 24 * 3600 * 1000;

/** Where downloads are kept: OMMA_CACHE, else `omma` in XDG_CACHE_HOME or ~/.cache. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.OMMA_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'omma');
}

/**
 * The path of a copy of the file at `location` (`https://...`, `s3://bucket/key`), which is downloaded unless it is there. A name that ends in
 * eight or more digits of a SHA-256, as OpenMMLab publishes weights (`resnet18-1a2b3c4d.pth`), is held against them, and never asked for twice.
 */
export async function download(location: string, options: DownloadOptions = {}): Promise<string> {
  const { env = process.env, patience = standardPatience, onProgress = () => {}, persistence } = options;
  const name = fileName(location);
  const checksum = checksumIn(name);
  const place = (version: string) => join(cacheFolder(env), keyOf(`${location}\n${version}`), name);
  if (checksum !== null && (await sizeOf(place(checksum))) !== null) return place(checksum);

  const asked = { name: location, request: requestOf(location, env), patience };
  const answer = await persistently(() => ask(asked), serverOf(location), persistence);
  try {
    const { headers } = answer.response;
    const identity = identityOf(location, headers, headers.get('content-length'));
    const { size, version } = identity;
    const path = place(checksum ?? version ?? '');
    if (checksum === null && version !== null && (await sizeOf(path)) === size) return path;
    await makeFolder(dirname(path)).catch((error: unknown) => {
      throw new OmmaError(
        `${dirname(path)}: cannot be made (${codeOf(error) ?? String(error)}); set OMMA_CACHE to a folder that may be written to`,
      );
    });
    await removeAbandoned(dirname(path));
    await requireSpace(dirname(path), location, size);
    // Two processes may want the same file; the last to finish puts the same bytes in its place.
    return await replaceAtomically(
      `${path}.${randomUUID()}`,
      size,
      async (file) => {
        const incoming = { asked, identity, persistence, onProgress };
        requireChecksum(location, checksum, await receive(file, answer, incoming));
      },
      async () => path,
    );
  } finally {
    answer.stop.abort();
  }
}

/** The last part of an address, as a name for a file. */
export function fileName(location: string): string {
  const [path = ''] = location.replace(/^\w+:\/\/[^/]*/, '').split(/[?#]/);
  const last = path.slice(path.lastIndexOf('/') + 1);
  const plain = last.replace(/[^\w.+-]/g, '_').slice(-150);
  return /[^.]/.test(plain) ? plain : 'file';
}

/** The digits of a SHA-256 at the end of a name; null where there are none. A date, `-20230105`, is none. */
export function checksumIn(name: string): string | null {
  const digits = /-([0-9a-f]{8,64})\.\w+$/.exec(name)?.[1];
  return digits === undefined || /^(19|20)\d{6}$/.test(digits) ? null : digits;
}

function requireChecksum(location: string, checksum: string | null, found: string): void {
  if (checksum === null || found.startsWith(checksum)) return;
  throw new OmmaError(
    `${location}: its SHA-256 begins with ${found.slice(0, checksum.length)}, its name says ${checksum}; the file is damaged, or not the one that was published under this name`,
  );
}

const keyOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Of a file that is there; null otherwise. */
async function sizeOf(path: string): Promise<number | null> {
  const status = await stat(path).catch(() => null);
  return status?.isFile() === true ? status.size : null;
}

async function removeAbandoned(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(temporarySuffix));
  for (const path of names.map((name) => join(folder, name))) {
    const status = await stat(path).catch(() => null);
    if (status !== null && Date.now() - status.mtimeMs > abandonedAfter) await rm(path, { force: true });
  }
}

/** Refuses before the first byte what the disk has no place for. */
async function requireSpace(folder: string, location: string, size: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (size <= bavail * bsize) return;
  throw new OmmaError(
    `${location}: needs ${formatBytes(size)}, but ${formatBytes(bavail * bsize)} are free in ${folder}; free some space, or set OMMA_CACHE to a folder that has it`,
  );
}
