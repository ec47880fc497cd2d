/** What tar shards, zip archives and LMDB stores have in common: files by name, each one range of bytes. */

import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { OmmaError } from '@omma/core';
import type { ByteSource } from '../byteSource.ts';

/** Where the bytes of a file lie in an archive. */
export interface ArchiveEntry {
  readonly offset: number;
  /** Bytes there. */
  readonly size: number;
  /** Zip: bytes of the file when it is deflated; left out where it is stored as it is. */
  readonly inflatedSize?: number;
  /** Zip: CRC-32 of the file; left out where nothing is to be held against it. */
  readonly crc32?: number;
}

export interface Archive {
  /** The regular files, by name, in the order of the archive. */
  readonly entries: ReadonlyMap<string, ArchiveEntry>;
  /** The bytes of a file. Small ones that are read one after the other, in the archive's order, are read ahead. */
  read(name: string): Promise<Uint8Array>;
}

/** Told, while the names of an archive are read, how much of that is done, from 0 to 1. */
export type ArchiveProgress = (share: number) => void;

const inflate = promisify(inflateRaw);

/** The bytes of the file at `entry`; `name` is what errors call it. */
export async function readEntry(source: ByteSource, entry: ArchiveEntry, name: string): Promise<Uint8Array> {
  const stored = await source.read(entry.offset, entry.size);
  const bytes = entry.inflatedSize === undefined ? stored : await inflated(stored, entry.inflatedSize);
  const damaged = (what: string) =>
    new OmmaError(
      `${source.name}: ${name} is damaged (${what}), or the archive has changed since its directory was read; copy it again`,
    );
  if (bytes === null || bytes.length !== (entry.inflatedSize ?? entry.size))
    throw damaged('it cannot be decompressed');
  if (entry.crc32 !== undefined && crc32(bytes) !== entry.crc32)
    throw damaged('it does not match its CRC-32');
  return bytes;
}

/** Null where the bytes are damaged: what zlib says then helps nobody. */
async function inflated(stored: Uint8Array, size: number): Promise<Uint8Array | null> {
  // A file that would grow beyond what the archive's directory says is not believed.
  return inflate(stored, { maxOutputLength: Math.max(1, size) }).catch(() => null);
}

/** The bytes of the file called `name`. */
export function readMember(
  source: ByteSource,
  entries: ReadonlyMap<string, ArchiveEntry>,
  name: string,
): Promise<Uint8Array> {
  const entry = entries.get(name);
  if (entry === undefined) throw new OmmaError(`${source.name} has no file ${name}`);
  return readEntry(source, entry, name);
}
