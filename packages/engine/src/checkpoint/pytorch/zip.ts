/**
 * The layout since PyTorch 1.6: a zip archive with `NAME/data.pkl`, and the bytes of storage K in `NAME/data/K`.
 * Source: torch/serialization.py, `_load`.
 */

import { crc32, inflateRawSync } from 'node:zlib';
import { OmmaError } from '@omma/core';
import { fileByteSize } from '@omma/nn';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import type { ByteSource } from '../source.ts';
import { storageReference, torchHost } from './globals.ts';
import { readPickle } from './pickle.ts';
import { ByteReader, latin1 } from './reader.ts';
import type { PickleValue, Storage, StorageReference } from './value.ts';

export function isZip(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, 4)) === 'PK\x03\x04';
}

export async function readZip(source: ByteSource): Promise<PickleValue> {
  const members = await membersOf(source);
  const names = [...members.keys()];
  const pickle = names.find((name) => /^[^/]*\/?data\.pkl$/.test(name));
  if (pickle === undefined) {
    const script = names.some((name) => /(^|\/)(constants\.pkl|code\/)/.test(name));
    throw new OmmaError(
      script
        ? 'it is a TorchScript program, not weights; save its state_dict()'
        : 'the archive holds no data.pkl',
    );
  }
  const folder = pickle.slice(0, -'data.pkl'.length);
  const order = members.get(`${folder}byteorder`);
  if (order !== undefined) {
    const text = latin1(await order.read());
    if (text !== 'little')
      throw new OmmaError(`its numbers are in ${text.slice(0, 20)}-endian order; save it on another machine`);
  }
  const storages = new Map<string, Storage>();
  const storageOf = (reference: StorageReference): Storage => {
    const known = storages.get(reference.key);
    if (known !== undefined) return known;
    const { key, dtype, elements } = reference;
    const data = members.get(`${folder}data/${key}`);
    if (data === undefined) throw new OmmaError(`the archive holds no numbers for storage ${key}`);
    if (data.size !== elements * fileByteSize(dtype))
      throw new OmmaError(
        `storage ${key} should have ${elements * fileByteSize(dtype)} bytes but has ${data.size}`,
      );
    const storage = { dtype, size: data.size, read: data.read };
    storages.set(key, storage);
    return storage;
  };
  const program = await members.get(pickle)?.read();
  return readPickle(
    new ByteReader(program ?? new Uint8Array()),
    torchHost({ storage: storageOf, persistent: storageReference }),
  );
}

/** A file within the archive. */
interface Member {
  readonly size: number;
  read(): Promise<Uint8Array>;
}

/** PyTorch stores without compression, so an archive that grows much is not of its making. */
const maxGrowth = 16;
const freeBytes = 65536;

async function membersOf(source: ByteSource): Promise<Map<string, Member>> {
  const options = { autoClose: false, lazyEntries: true, strictFileNames: true };
  const archive = await damage(fromRandomAccessReaderPromise(new SourceReader(source), source.size, options));
  const members = new Map<string, Member>();
  // Several tensors that look at one storage are read one after the other.
  let latest: { entry: Entry; bytes: Promise<Uint8Array> } | null = null;
  let total = 0;
  const entries = archive.eachEntry();
  for (let next = await damage(entries.next()); next.done !== true; next = await damage(entries.next())) {
    const entry = next.value;
    total += entry.uncompressedSize;
    if (total > maxGrowth * source.size + freeBytes)
      throw new OmmaError(`the archive would grow to more than ${maxGrowth} times its size`);
    members.set(entry.fileName, {
      size: entry.uncompressedSize,
      read() {
        if (latest?.entry !== entry) latest = { entry, bytes: contents(source, archive, entry) };
        return latest.bytes;
      },
    });
  }
  return members;
}

/** A member's bytes, held against their CRC-32; PyTorch writes 0 where it was told to leave that out (`set_crc32_options`). */
async function contents(source: ByteSource, archive: ZipFile, entry: Entry): Promise<Uint8Array> {
  const { fileDataStart: start } = await damage(archive.readLocalFileHeaderPromise(entry, { minimal: true }));
  const stored = await source.read(start, start + entry.compressedSize);
  const bytes = inflated(stored, entry);
  if (entry.crc32 !== 0 && crc32(bytes) !== entry.crc32)
    throw new OmmaError(`${entry.fileName} does not match its CRC-32; the file is damaged, use another copy`);
  return bytes;
}

function inflated(stored: Uint8Array, entry: Entry): Uint8Array {
  if (entry.isEncrypted()) throw new OmmaError(`${entry.fileName} is encrypted`);
  if (entry.compressionMethod === 0) return stored;
  if (entry.compressionMethod !== 8)
    throw new OmmaError(
      `${entry.fileName} is compressed by method ${entry.compressionMethod}, not by deflate`,
    );
  try {
    const bytes = inflateRawSync(stored, { maxOutputLength: Math.max(1, entry.uncompressedSize) });
    if (bytes.length === entry.uncompressedSize) return bytes;
  } catch {
    // Told below: what zlib says of damaged bytes helps nobody.
  }
  throw new OmmaError(`${entry.fileName} cannot be decompressed; the file is damaged`);
}

/** yauzl's view of a source; it reads the directory of the archive, never the contents. */
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
    this.#source.read(position, position + length).then((bytes) => {
      buffer.set(bytes, offset);
      callback(null);
    }, callback);
  }
}

/** What yauzl refuses, in our words. */
async function damage<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof OmmaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`the zip archive is damaged (${reason})`);
  }
}
