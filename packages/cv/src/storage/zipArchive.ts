/**
 * Zip archives by random access, wherever they lie: the directory at the end is read once, then a file is one range of bytes, inflated where it
 * is deflated and held against its CRC-32.
 */

import { OmmaError } from '@omma/core';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { type Archive, type ArchiveEntry, readMember } from './archive.ts';
import type { ByteSource } from './byteSource.ts';

/** A picture that claims to be larger than this when inflated is not believed. */
const largestFile = 2 ** 30;
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
    const { size } = await source.stat();
    const options = { autoClose: false, lazyEntries: true, strictFileNames: true };
    const zip = await explained(
      source,
      fromRandomAccessReaderPromise(new SourceReader(source), size, options),
    );
    const files: Entry[] = [];
    const all = zip.eachEntry();
    for (let next = await explained(source, all.next()); next.done !== true; ) {
      if (!next.value.fileName.endsWith('/')) files.push(next.value);
      next = await explained(source, all.next());
    }
    const places = new Map<string, ArchiveEntry>();
    for (let from = 0; from < files.length; from += atOnce) {
      const some = files.slice(from, from + atOnce);
      const found = await Promise.all(some.map((entry) => placeOf(source, zip, entry)));
      some.forEach(({ fileName }, i) => {
        const place = found[i];
        if (place !== undefined) places.set(fileName, place);
      });
    }
    return new ZipArchive(source, places);
  }

  async read(name: string): Promise<Uint8Array> {
    return readMember(this.#source, this.entries, name);
  }
}

async function placeOf(source: ByteSource, zip: ZipFile, entry: Entry): Promise<ArchiveEntry> {
  const { fileName, compressionMethod, compressedSize, uncompressedSize } = entry;
  const refuse = (what: string): never => {
    throw new OmmaError(`${source.name}: ${fileName} ${what}; pack the archive again`);
  };
  if (entry.isEncrypted()) refuse('is encrypted');
  if (compressionMethod !== 0 && compressionMethod !== 8)
    refuse(`is compressed by method ${compressionMethod}, expected deflate or none`);
  if (uncompressedSize > largestFile) refuse(`claims to be of ${uncompressedSize} bytes`);
  const { fileDataStart } = await explained(source, zip.readLocalFileHeaderPromise(entry, { minimal: true }));
  return {
    offset: fileDataStart,
    size: compressedSize,
    crc32: entry.crc32,
    ...(compressionMethod === 8 ? { inflatedSize: uncompressedSize } : {}),
  };
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
