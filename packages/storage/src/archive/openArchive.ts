/** An archive of any kind, told apart by its first bytes and not by its name: addresses often have none that says. */

import { OmmaError } from '@omma/core';
import type { ByteSource } from '../byteSource.ts';
import type { Archive, ArchiveProgress } from './archive.ts';
import { isLmdb, LmdbArchive } from './lmdbArchive.ts';
import { TarArchive } from './tarArchive.ts';
import { ZipArchive } from './zipArchive.ts';

/** What archives are packed with as a whole, by its first bytes. */
const packings: Readonly<Record<string, string>> = {
  '\x1f\x8b': 'gzip',
  BZh: 'bzip2',
  '\xfd7zX': 'xz',
  '\x28\xb5\x2f\xfd': 'zstd',
};

/** The tar shard, zip archive or LMDB store in `source`; an OmmaError where it is none of these, or is damaged. */
export async function openArchive(source: ByteSource, onProgress?: ArchiveProgress): Promise<Archive> {
  const first = await source.read(0, Math.min(20, source.size));
  if (isLmdb(first)) return LmdbArchive.open(source, onProgress);
  const start = Buffer.from(first.subarray(0, 4)).toString('latin1');
  const packing = Object.entries(packings).find(([magic]) => start.startsWith(magic))?.[1];
  if (packing !== undefined)
    throw new OmmaError(
      `${source.name}: is packed as a whole (${packing}), so no file in it can be read without all before it; unpack it to a plain .tar`,
    );
  // An empty zip archive has nothing but the end of its directory.
  const isZip = start === 'PK\x03\x04' || start === 'PK\x05\x06';
  return isZip ? ZipArchive.open(source, onProgress) : TarArchive.open(source, onProgress);
}
