/**
 * Safetensors files on disk, read and written tensor by tensor.
 *
 * A file that Omma writes carries a SHA-256 of all its bytes in its own metadata (the digits themselves counted as zeros), so that one flipped bit
 * anywhere is noticed. The format's other readers see one more line of metadata.
 */

import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { OmmaError } from '@omma/core';
import {
  fileTensorBytes,
  layoutSafetensors,
  lengthBytes,
  type Placed,
  parseSafetensorsHeader,
  safetensorsHeaderLength,
} from '@omma/nn';
import { type ByteSource, piecesOf, replaceAtomically, writeAll } from '@omma/storage';
import { type OtherFile, otherFile, startBytes } from './otherFile.ts';
import type { ProgressListener, StoredTensor, StoredTensors } from './storedTensor.ts';

export interface SafetensorsSource {
  /** In the order in which they lie in the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor & Placed>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly source: ByteSource;
  /** Where the numbers begin. */
  readonly dataStart: number;
}

/** Where the checksum lies in the file's metadata. */
export const checksumKey = 'omma.sha256';
const noChecksum = '0'.repeat(64);

const instead: Readonly<Record<OtherFile, string>> = {
  text: 'expected weights (.safetensors, .pth), found text; a config is trained first (`omma train`), and comes before the checkpoint where a command takes both',
  'a picture': 'expected weights (.safetensors, .pth), found a picture; name the checkpoint',
  'PyTorch weights':
    'expected a checkpoint of a run (.safetensors), found PyTorch weights, which do not say of which model; with a config `omma test` evaluates them, and `omma train` starts from them (loadFrom)',
};

/** The tensors of a safetensors file, their numbers still in it. */
export async function readSafetensorsFrom(source: ByteSource): Promise<SafetensorsSource> {
  const first = await source.read(0, Math.min(startBytes, source.size));
  const other = otherFile(first);
  if (other !== null) throw new OmmaError(instead[other]);
  const start = first.subarray(0, lengthBytes);
  const dataStart = lengthBytes + safetensorsHeaderLength(start, source.size);
  const { tensors, metadata } = parseSafetensorsHeader(
    await source.read(lengthBytes, dataStart - lengthBytes),
    source.size - dataStart,
  );
  const stored = [...tensors].map(([name, placed]): [string, StoredTensor & Placed] => [
    name,
    { ...placed, read: () => source.read(dataStart + placed.begin, placed.end - placed.begin) },
  ]);
  return { tensors: new Map(stored), metadata, source, dataStart };
}

/**
 * Holds the file against its checksum, reading all of it once; false where it has none. `each` is given the numbers of the tensors that it
 * wants, so that checking and loading is one pass.
 */
export async function verifySafetensors(
  file: SafetensorsSource,
  each: (name: string, tensor: StoredTensor) => ((bytes: Uint8Array) => void) | null = () => null,
  onProgress: ProgressListener = () => {},
): Promise<boolean> {
  const { source, dataStart, tensors } = file;
  const expected = file.metadata[checksumKey];
  const hash = expected === undefined ? null : createHash('sha256');
  hash?.update(blanked(await source.read(0, dataStart)));
  for (const [name, tensor] of tensors) {
    const take = each(name, tensor);
    const [begin, length] = [dataStart + tensor.begin, tensor.end - tensor.begin];
    if (take !== null) {
      const bytes = await source.read(begin, length);
      hash?.update(bytes);
      take(bytes);
    } else if (hash !== null) {
      for await (const piece of piecesOf(source, begin, length)) hash.update(piece);
    }
    onProgress(begin + length, source.size);
  }
  if (hash !== null && hash.digest('hex') !== expected) {
    throw new OmmaError(
      'the file does not match its checksum, so it is damaged; use another copy or checkpoint',
    );
  }
  return hash !== null;
}

/** The SHA-256 of the numbers alone, as checkpoints of format 1 have it. */
export async function dataChecksum({ source, dataStart }: SafetensorsSource): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of piecesOf(source, dataStart, source.size - dataStart)) hash.update(piece);
  return hash.digest('hex');
}

/** The header with zeros where its checksum stands. */
function blanked(header: Uint8Array): Uint8Array {
  const at = checksumPlace(header);
  if (at === null) return header;
  const copy = header.slice();
  copy.fill(0x30, at, at + noChecksum.length);
  return copy;
}

/** The key's quotes cannot be in a text of the header without a backslash, so what is found is the key. */
function checksumPlace(header: Uint8Array): number | null {
  const key = `"${checksumKey}":"`;
  const at = Buffer.from(header.buffer, header.byteOffset, header.length).indexOf(key);
  return at < 0 ? null : at + key.length;
}

export interface WriteOptions {
  readonly onProgress?: ProgressListener;
  /** Names the file after its contents: called with the SHA-256 of the finished file. */
  readonly nameBy?: (sha256: string) => string;
}

/** Writes a file of `tensors` atomically, with its checksum, holding one tensor at a time. Returns its path. */
export async function writeSafetensorsFile(
  path: string,
  tensors: StoredTensors,
  metadata: Readonly<Record<string, string>>,
  { onProgress = () => {}, nameBy }: WriteOptions = {},
): Promise<string> {
  const types = Object.fromEntries(tensors);
  const { bytes: header, tensors: placed } = layoutSafetensors(types, {
    ...metadata,
    [checksumKey]: noChecksum,
  });
  const total = [...placed.values()].reduce((sum, { begin, end }) => sum + end - begin, header.length);
  const write = async (file: FileHandle): Promise<void> => {
    const hash = createHash('sha256').update(header);
    await writeAll(file, header, 0);
    for (const [name, { begin, end }] of placed) {
      const bytes = (await tensors.get(name)?.read()) ?? new Uint8Array();
      if (bytes.length !== end - begin)
        throw new Error(`${name}: ${bytes.length} bytes instead of ${end - begin}`);
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes);
        const writing = writeAll(file, piece, header.length + begin + at);
        hash.update(piece);
        await writing;
      }
      onProgress(header.length + end, total);
    }
    const at = checksumPlace(header);
    if (at === null) throw new Error('a header without its checksum');
    await writeAll(file, Buffer.from(hash.digest('hex')), at);
  };
  return replaceAtomically(path, total, write, namedBy(path, nameBy));
}

/** The path of a file that may be named after its contents. */
export function namedBy(path: string, name: WriteOptions['nameBy']): (file: FileHandle) => Promise<string> {
  return async (file) => name?.(await fileChecksum(file)) ?? path;
}

/** Small enough that the event loop, which hashes while the disk writes, is never long away. */
const pieceBytes = 4 * 2 ** 20;

/** The SHA-256 of an open file. */
async function fileChecksum(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const piece = new Uint8Array(pieceBytes);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(piece, 0, piece.length, at);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** Bytes that `tensors` take on disk, headers aside. */
export function storedBytes(tensors: StoredTensors): number {
  return [...tensors.values()].reduce((sum, tensor) => sum + fileTensorBytes(tensor), 0);
}
