/** An archive of either kind, told apart by its first bytes and not by its name: addresses often have none that says. */

import type { ByteSource } from '../byteSource.ts';
import type { Archive } from './archive.ts';
import { TarArchive } from './tarArchive.ts';
import { ZipArchive } from './zipArchive.ts';

/** The tar shard or zip archive in `source`; an OmmaError where it is neither, or is damaged. */
export async function openArchive(source: ByteSource): Promise<Archive> {
  const start = Buffer.from(await source.read(0, Math.min(4, source.size))).toString('latin1');
  // An empty zip archive has nothing but the end of its directory.
  const isZip = start === 'PK\x03\x04' || start === 'PK\x05\x06';
  return isZip ? ZipArchive.open(source) : TarArchive.open(source);
}
