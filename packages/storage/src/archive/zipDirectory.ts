/**
 * The directory at the end of a zip archive, read by ranges. Of a file it tells the name and sizes; where the bytes begin stands in a header
 * before them, which is a read of its own and is left for when it is needed.
 */

import { OmmaError } from '@omma/core';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import type { ByteSource } from '../byteSource.ts';
import type { ArchiveEntry } from './archive.ts';

/** What a directory may claim before it is not believed. */
export interface ZipLimits {
  /** Bytes of one file, when inflated. */
  readonly largestFile: number;
  /** All files together, over the size of the archive. */
  readonly maxGrowth: number;
}

export interface ZipMember {
  readonly name: string;
  /** Bytes of the file, when inflated. */
  readonly size: number;
  /** Finds where its bytes lie. OmmaError where they are encrypted, or compressed by anything but deflate. */
  place(): Promise<ArchiveEntry>;
}

/** Small archives may grow by more than their limit says. */
const freeBytes = 2 ** 16;

/** The files of the archive in `source`, without its folders, in its order. */
export async function zipDirectory(source: ByteSource, limits: ZipLimits): Promise<readonly ZipMember[]> {
  const { size } = source;
  const options = { autoClose: false, lazyEntries: true, strictFileNames: true };
  const reader = new SourceReader(source);
  const zip = await explained(source, fromRandomAccessReaderPromise(reader, size, options));
  const members: ZipMember[] = [];
  let total = 0;
  const all = zip.eachEntry();
  for (let next = await explained(source, all.next()); next.done !== true; ) {
    const entry = next.value;
    total += entry.uncompressedSize;
    if (entry.uncompressedSize > limits.largestFile)
      throw refusal(source, entry, `claims to be of ${entry.uncompressedSize} bytes`);
    if (total > limits.maxGrowth * size + freeBytes)
      throw new OmmaError(`${source.name} would grow to more than ${limits.maxGrowth} times its size`);
    if (!entry.fileName.endsWith('/')) {
      const place = () => placeOf(source, zip, entry);
      members.push({ name: entry.fileName, size: entry.uncompressedSize, place });
    }
    next = await explained(source, all.next());
  }
  return members;
}

async function placeOf(source: ByteSource, zip: ZipFile, entry: Entry): Promise<ArchiveEntry> {
  const { compressionMethod, compressedSize, uncompressedSize, crc32 } = entry;
  if (entry.isEncrypted()) throw refusal(source, entry, 'is encrypted');
  if (compressionMethod !== 0 && compressionMethod !== 8)
    throw refusal(source, entry, `is compressed by method ${compressionMethod}, expected deflate or none`);
  const { fileDataStart } = await explained(source, zip.readLocalFileHeaderPromise(entry, { minimal: true }));
  return {
    offset: fileDataStart,
    size: compressedSize,
    crc32,
    ...(compressionMethod === 8 ? { inflatedSize: uncompressedSize } : {}),
  };
}

function refusal(source: ByteSource, { fileName }: Entry, what: string): OmmaError {
  return new OmmaError(`${source.name}: ${fileName} ${what}; pack the archive again`);
}

/** yauzl's view of a source. */
class SourceReader extends RandomAccessReader {
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    super();
    this.#source = source;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#source.read(position, length).then((bytes) => {
      buffer.set(bytes, offset);
      callback(null);
    }, callback);
  }
}

/** What yauzl refuses, in our words. */
async function explained<T>(source: ByteSource, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof OmmaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`${source.name} is no zip archive, or damaged (${reason}); copy it again`);
  }
}
