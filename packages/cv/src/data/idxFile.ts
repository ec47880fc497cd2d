/** Reads IDX files, the format of MNIST: a magic number that tells type and rank, the extents, then raw bytes. Gzipped or not. */

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { OmmaError } from '@omma/core';

export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const unsignedByte = 0x08;

/** The unsigned bytes in an IDX file of the given rank. */
export function readIdx(path: string, rank: number): IdxArray {
  const bytes = fileBytes(path);
  const wrong = (expected: string, found: string): never => {
    throw new OmmaError(`IDX file ${path}: expected ${expected}, found ${found}; download it again`);
  };
  if (bytes.length < 4) wrong('a header of 4 bytes', `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const expected = (unsignedByte << 8) | rank;
  const magic = view.getUint32(0);
  if (magic !== expected) {
    wrong(`the magic number ${expected} (unsigned bytes, ${rank} axes)`, String(magic));
  }
  const start = 4 + 4 * rank;
  if (bytes.length < start) wrong(`a header of ${start} bytes`, `${bytes.length} bytes`);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (bytes.length !== start + size)
    wrong(`${size} bytes of data for [${shape.join(', ')}]`, String(bytes.length - start));
  return { shape, data: bytes.subarray(start) };
}

function fileBytes(path: string): Uint8Array {
  try {
    const bytes = readFileSync(path);
    return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`IDX file ${path} cannot be read: ${reason}`);
  }
}
