/**
 * Zip archives of pictures by random access, wherever they lie: the directory at the end is read once, then a file is one range of bytes,
 * inflated where it is deflated and held against its CRC-32.
 */

import type { ByteSource } from '../byteSource.ts';
import { type Archive, type ArchiveEntry, readMember } from './archive.ts';
import { type ZipMember, zipDirectory } from './zipDirectory.ts';

/** A picture that claims to be larger than 1 GiB is not believed; labels in text may shrink to almost nothing. */
const limits = { largestFile: 2 ** 30, maxGrowth: Number.POSITIVE_INFINITY };
/** Headers that are read side by side, because each is a request of its own. */
const atOnce = 16;

/** The regular files of an archive, by name, in its order. */
export class ZipArchive implements Archive {
  readonly #source: ByteSource;
  readonly entries: ReadonlyMap<string, ArchiveEntry>;

  private constructor(source: ByteSource, entries: ReadonlyMap<string, ArchiveEntry>) {
    this.#source = source;
    this.entries = entries;
  }

  static async open(source: ByteSource): Promise<ZipArchive> {
    const members = await zipDirectory(source, limits);
    const entries = new Map<string, ArchiveEntry>();
    for (let from = 0; from < members.length; from += atOnce) {
      const some = members.slice(from, from + atOnce);
      for (const [name, entry] of await Promise.all(some.map(placed))) entries.set(name, entry);
    }
    return new ZipArchive(source, entries);
  }

  async read(name: string): Promise<Uint8Array> {
    return readMember(this.#source, this.entries, name);
  }
}

async function placed({ name, place }: ZipMember): Promise<readonly [string, ArchiveEntry]> {
  return [name, await place()];
}
