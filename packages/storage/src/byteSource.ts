/**
 * Files by ranges of bytes, wherever they lie: on disk, behind HTTP, in an S3-compatible store, in memory. Archives and weight files are read
 * through this, so that a picture costs one request for its own bytes, and a file of any size is read with memory for its largest part.
 */

import { OmmaError } from '@omma/core';

export interface ByteSourceStat {
  readonly size: number;
  /** What changes with the content: the time of the last change on disk, the ETag or Last-Modified of a server; null where it tells neither. */
  readonly version: string | null;
}

/** An open file: how long it is and what it is known by were found out when it was opened. */
export interface ByteSource extends ByteSourceStat {
  /** What it is called in messages. */
  readonly name: string;
  /** Bytes between two ranges that cost less when they are read along than another read does; 64 KiB, for a server, unless given. */
  readonly worthSkipping?: number;
  /** `length` bytes from `offset` on; an OmmaError when there are fewer. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Refuses a range that reaches beyond the end, before memory is taken for it. */
export function checkRange({ name, size }: ByteSource, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= size) return;
  throw new OmmaError(
    `${name}: ends at byte ${size}, but its parts reach to ${offset + length}; it is damaged, copy it again`,
  );
}

/** Bytes that are in memory already; what is read are views of them. `name` is what messages call them. */
export function memorySource(bytes: Uint8Array, name = 'the file'): ByteSource {
  const source: ByteSource = {
    name,
    size: bytes.length,
    version: null,
    async read(offset, length) {
      checkRange(source, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    close: async () => {},
  };
  return source;
}

/** What a line of 10 MB/s carries in 6 ms, which is less than a trip to most servers takes. */
export const serverSkips = 64 * 2 ** 10;

/** The same file, whose ranges are read in another way. */
export function readOtherwise(source: ByteSource, read: ByteSource['read']): ByteSource {
  const { name, size, version, worthSkipping = serverSkips } = source;
  return { name, size, version, worthSkipping, read, close: () => source.close() };
}

/** Pieces in which large ranges are worked through. */
const pieceBytes = 4 * 2 ** 20;

/** `length` bytes from `offset` on in pieces, the next one being read while one is used. */
export async function* piecesOf(
  source: ByteSource,
  offset: number,
  length: number,
): AsyncGenerator<Uint8Array, void> {
  const end = offset + length;
  const piece = (at: number) => source.read(at, Math.min(pieceBytes, end - at));
  let next = length > 0 ? piece(offset) : null;
  for (let at = offset; next !== null; ) {
    const bytes = await next;
    at += bytes.length;
    next = at < end ? piece(at) : null;
    // Whoever stops early leaves a read behind whose failure nobody asks about.
    next?.catch(() => {});
    yield bytes;
  }
}
