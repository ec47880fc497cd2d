/**
 * Pictures inside of archives, read where they lie: what a worker thread needs of an index, in shared memory. An archive is held against what the index says
 * of it: a file on disk whenever it is opened, one of a server before its first picture is read.
 */

import { statSync } from 'node:fs';
import { OmmaError } from '@omma/core';
import {
  type ArchiveEntry,
  type ByteSource,
  type ByteSourceStat,
  gathered,
  isAddress,
  localStat,
  openByteSource,
  readEntry,
} from '@omma/storage';
import type { ArchiveIndex } from './archiveIndex.ts';

/** All of it can be handed to a thread. */
export interface ArchivePlaces {
  /** With the locations as they are opened: addresses or absolute paths. */
  readonly archives: ArchiveIndex['archives'];
  /** The index file, for messages. */
  readonly index: string;
  /** Of each picture: the archive, the offset, bytes there, bytes inflated (or -1), CRC-32 (or -1). */
  readonly rows: Float64Array;
}

const columns = 5;

export function archivePlaces(
  index: string,
  archives: ArchiveIndex['archives'],
  samples: ArchiveIndex['samples'],
) {
  const rows = new Float64Array(new SharedArrayBuffer(8 * columns * samples.name.length));
  samples.name.forEach((_, i) => {
    const row = [
      samples.archive[i] ?? 0,
      samples.offset[i] ?? 0,
      samples.size[i] ?? 0,
      samples.inflatedSize[i] ?? -1,
      samples.crc32[i] ?? -1,
    ];
    rows.set(row, i * columns);
  });
  return { archives, index, rows };
}

export class ArchivePictures {
  readonly #places: ArchivePlaces;
  /** Archives of servers that were found to be what the index says. Files are opened for each picture: shards may be more than a process may have open. */
  readonly #remote = new Map<number, Promise<ByteSource>>();

  constructor(places: ArchivePlaces) {
    this.#places = places;
  }

  /** The bytes of a picture; `name` is what errors call it. */
  async read(picture: number, name: string): Promise<Uint8Array> {
    const { archive, entry } = this.#row(picture);
    const indexed = this.#places.archives[archive];
    if (indexed === undefined) throw new Error(`no archive ${archive}`);
    if (isAddress(indexed.location)) return readEntry(await this.#kept(archive, indexed), entry, name);
    const file = await this.#checked(indexed);
    return readEntry(file, entry, name).finally(() => file.close());
  }

  /** What is wrong with the archive of a picture, as far as this is known at once: those of servers are looked at when they are read. */
  problemOf(picture: number): string | null {
    const { archive } = this.#row(picture);
    const indexed = this.#places.archives[archive];
    if (indexed === undefined || isAddress(indexed.location)) return null;
    const stat = statSync(indexed.location, { throwIfNoEntry: false });
    if (stat === undefined) return `lies in ${indexed.location}, which is missing`;
    return difference(indexed, localStat(stat)) === null
      ? null
      : 'lies in an archive that has changed since it was indexed';
  }

  #row(picture: number): { archive: number; entry: ArchiveEntry } {
    const [archive = 0, offset = 0, size = 0, inflatedSize = -1, crc32 = -1] = this.#places.rows.subarray(
      picture * columns,
      (picture + 1) * columns,
    );
    return {
      archive,
      entry: {
        offset,
        size,
        ...(inflatedSize < 0 ? {} : { inflatedSize }),
        ...(crc32 < 0 ? {} : { crc32 }),
      },
    };
  }

  #kept(archive: number, indexed: ArchiveIndex['archives'][number]): Promise<ByteSource> {
    const known = this.#remote.get(archive);
    if (known !== undefined) return known;
    // The pictures of a batch are asked for side by side; in order they lie next to each other.
    const opening = this.#checked(indexed).then(gathered);
    this.#remote.set(archive, opening);
    // A server that was away for a moment is asked again.
    opening.catch(() => this.#remote.delete(archive));
    return opening;
  }

  async #checked(indexed: ArchiveIndex['archives'][number]): Promise<ByteSource> {
    const source = await openByteSource(indexed.location);
    try {
      requireSame(indexed, source, this.#places.index);
      return source;
    } catch (error) {
      await source.close();
      throw error;
    }
  }
}

/** Refuses an archive that is not what was indexed. */
export function requireSame(
  indexed: ArchiveIndex['archives'][number],
  now: ByteSourceStat,
  index: string,
): void {
  const what = difference(indexed, now);
  if (what === null) return;
  throw new OmmaError(
    `${indexed.location} has changed since ${index} was written (${what}); run \`omma data index\` again`,
  );
}

function difference(indexed: ByteSourceStat, now: ByteSourceStat): string | null {
  if (indexed.size !== now.size) return `${indexed.size} bytes then, ${now.size} now`;
  return indexed.version === now.version ? null : `${indexed.version} then, ${now.version} now`;
}
