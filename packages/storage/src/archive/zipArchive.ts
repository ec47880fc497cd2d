/**
 * Zip archives of pictures by random access, wherever they lie: the directory at the end is read once, then a file is one range of bytes,
 * inflated where it is deflated and held against its CRC-32.
 */

import type { ByteSource } from '../byteSource.ts';
import { readRanges } from '../ranges.ts';
import { readAhead } from '../readAhead.ts';
import { type Archive, type ArchiveEntry, type ArchiveProgress, readMember } from './archive.ts';
import { zipDirectory, zipHeaderBytes } from './zipDirectory.ts';

/** A picture that claims to be larger than 1 GiB is not believed; labels in text may shrink to almost nothing. */
const limits = { largestFile: 2 ** 30, maxGrowth: Number.POSITIVE_INFINITY };

/** The regular files of an archive, by name, in its order. */
export class ZipArchive implements Archive {
  readonly #source: ByteSource;
  readonly entries: ReadonlyMap<string, ArchiveEntry>;

  private constructor(source: ByteSource, entries: ReadonlyMap<string, ArchiveEntry>) {
    this.#source = source;
    this.entries = entries;
  }

  static async open(source: ByteSource, onProgress?: ArchiveProgress): Promise<ZipArchive> {
    const members = await zipDirectory(source, limits);
    const headers = members.map(({ headerAt }) => ({ offset: headerAt, length: zipHeaderBytes }));
    const entries: ArchiveEntry[] = [];
    await readRanges(
      source,
      headers,
      (at, header) => {
        const member = members[at];
        if (member !== undefined) entries[at] = member.place(header);
      },
      onProgress,
    );
    const named = members.flatMap(({ name }, at) => {
      const entry = entries[at];
      return entry === undefined ? [] : [[name, entry] as const];
    });
    return new ZipArchive(readAhead(source), new Map(named));
  }

  async read(name: string): Promise<Uint8Array> {
    return readMember(this.#source, this.entries, name);
  }
}
