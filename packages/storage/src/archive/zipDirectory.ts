/**
 * The directory at the end of a zip archive, read by ranges. Of a file it tells the name and sizes; where the bytes begin stands in a header
 * before them, which is a read of its own and is left for when it is needed.
 */

import { OmmaError } from '@omma/core';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl';
import type { ByteSource } from '../byteSource.ts';
import { readAhead } from '../readAhead.ts';
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
  /** Where the header before its bytes lies, of `zipHeaderBytes`. */
  readonly headerAt: number;
  /** Where its bytes lie, by that header. OmmaError where they are encrypted, or compressed by anything but deflate. */
  place(header: Uint8Array): ArchiveEntry;
}

/** Of the header before a file what has a fixed length. */
export const zipHeaderBytes = 30;

/** Small archives may grow by more than their limit says. */
const freeBytes = 2 ** 16;

/** The files of the archive in `source`, without its folders, in its order. */
export async function zipDirectory(source: ByteSource, limits: ZipLimits): Promise<readonly ZipMember[]> {
  const { size } = source;
  const options = { autoClose: false, lazyEntries: true, strictFileNames: true };
  // Its records are read one by one.
  const reader = new SourceReader(readAhead(source));
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
      members.push({
        name: entry.fileName,
        size: entry.uncompressedSize,
        headerAt: entry.relativeOffsetOfLocalHeader,
        place: (header) => placeOf(source, entry, header),
      });
    }
    next = await explained(source, all.next());
  }
  return members;
}

function placeOf(source: ByteSource, entry: Entry, header: Uint8Array): ArchiveEntry {
  const { compressionMethod, compressedSize, uncompressedSize, crc32, relativeOffsetOfLocalHeader } = entry;
  if (entry.isEncrypted()) throw refusal(source, entry, 'is encrypted');
  if (compressionMethod !== 0 && compressionMethod !== 8)
    throw refusal(source, entry, `is compressed by method ${compressionMethod}, expected deflate or none`);
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  // APPNOTE.TXT 4.3.7: the name and the extra field, which may be another than the directory's, come between.
  const offset =
    relativeOffsetOfLocalHeader + zipHeaderBytes + view.getUint16(26, true) + view.getUint16(28, true);
  if (view.getUint32(0, true) !== 0x04034b50 || offset + compressedSize > source.size)
    throw new OmmaError(
      `${source.name} is no zip archive, or damaged (no file begins at ${relativeOffsetOfLocalHeader}, where ${entry.fileName} should); copy it again`,
    );
  return {
    offset,
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
