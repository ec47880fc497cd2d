/** The new lines of a growing file, a piece at a time: the file may be larger than the memory, and its last line not finished yet. */

import { open } from 'node:fs/promises';

const pieceBytes = 4 * 1024 * 1024;
/** Most logs are short, and a folder may have a thousand of them. */
const leastBytes = 16 * 1024;
/** A longer line is left out. */
const longestLine = 256 * 1024 * 1024;

export interface Piece {
  /** Whole lines, with their ends; valid until the next piece. */
  readonly bytes: Buffer;
  /** Bytes of the file that were read as whole lines up to here. */
  readonly offset: number;
}

/** Whole lines from byte `offset` on. */
export async function* linesFrom(path: string, offset: number): AsyncGenerator<Piece> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    // A byte more than there are now, so that the end is seen at once.
    const wanted = Math.max(leastBytes, Math.min(pieceBytes, size - offset + 1));
    let buffer = Buffer.allocUnsafe(wanted);
    let filled = 0;
    let position = offset;
    let skipping = false;
    for (;;) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled);
      if (bytesRead === 0) return;
      filled += bytesRead;
      const end = buffer.lastIndexOf(10, filled - 1) + 1;
      if (end === 0) {
        if (filled < buffer.length) continue;
        if (buffer.length >= longestLine) {
          skipping = true;
          position += filled;
          filled = 0;
          continue;
        }
        const larger = Buffer.allocUnsafe(buffer.length * 2);
        buffer.copy(larger, 0, 0, filled);
        buffer = larger;
        continue;
      }
      const begin = skipping ? buffer.indexOf(10) + 1 : 0;
      skipping = false;
      position += end;
      yield { bytes: buffer.subarray(begin, end), offset: position };
      buffer.copyWithin(0, end, filled);
      filled -= end;
    }
  } finally {
    await file.close();
  }
}
