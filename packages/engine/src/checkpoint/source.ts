/**
 * Where the bytes of a weight file come from: an open file, or memory. Readers take pieces of it, so a file of any size is read with
 * memory for its largest tensor.
 */

import { open } from 'node:fs/promises';
import { OmmaError } from '@omma/core';
import { codeOf } from './files.ts';

export interface ByteSource {
  readonly size: number;
  /** Bytes `begin` to `end`, which must lie within the file. */
  read(begin: number, end: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a file for reading. OmmaError where that cannot be done, or when it shrinks while it is read. */
export async function fileSource(path: string): Promise<ByteSource> {
  const unreadable = (error: unknown): never => {
    throw new OmmaError(
      `${path}: cannot read the checkpoint (${codeOf(error) ?? String(error)}); check the path`,
    );
  };
  const file = await open(path, 'r').catch(unreadable);
  const status = await file.stat().catch(unreadable);
  if (!status.isFile()) {
    await file.close();
    throw new OmmaError(`${path}: is no file; name a checkpoint inside of it`);
  }
  return {
    size: status.size,
    async read(begin, end) {
      checkRange(begin, end, status.size);
      const bytes = new Uint8Array(end - begin);
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await file
          .read(bytes, done, Math.min(bytes.length - done, 2 ** 30), begin + done)
          .catch(unreadable);
        if (bytesRead === 0) throw new OmmaError(`${path}: became shorter while it was read; try again`);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

/** Bytes that are in memory already; what is read are views of them. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    async read(begin, end) {
      checkRange(begin, end, bytes.length);
      return bytes.subarray(begin, end);
    },
    close: async () => {},
  };
}

function checkRange(begin: number, end: number, size: number): void {
  if (begin >= 0 && begin <= end && end <= size) return;
  throw new OmmaError(`the file ends at byte ${size}, but its parts reach to ${end}; it is damaged`);
}

/** Pieces in which large ranges are worked through. */
const pieceBytes = 4 * 2 ** 20;

/** Bytes `begin` to `end` in pieces, the next one being read while one is used. */
export async function* piecesOf(
  source: ByteSource,
  begin: number,
  end: number,
): AsyncGenerator<Uint8Array, void> {
  const piece = (at: number) => source.read(at, Math.min(at + pieceBytes, end));
  let next = begin < end ? piece(begin) : null;
  for (let at = begin; next !== null; ) {
    const bytes = await next;
    at += bytes.length;
    next = at < end ? piece(at) : null;
    // Whoever stops early leaves a read behind whose failure nobody asks about.
    next?.catch(() => {});
    yield bytes;
  }
}
