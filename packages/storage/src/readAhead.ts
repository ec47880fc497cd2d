/**
 * A source of which one range after the other is read, where the next is known by the last: the headers of a tar archive, the directory of a zip archive.
 * As long as they follow each other more and more is read at once; where they lie apart, what is asked for and no more.
 */

import { type ByteSource, checkRange, readOtherwise, serverSkips } from './byteSource.ts';
import { largestGroup } from './ranges.ts';

/** Bytes that are read at once where a range follows the one before. */
const first = 16 * 2 ** 10;

/** The source, of which what was read last is kept: at most 1 MiB, or the longest range. `least` bytes are read wherever it is read. */
export function readAhead(source: ByteSource, least = 0): ByteSource {
  const { worthSkipping = serverSkips } = source;
  let from = 0;
  let end = 0;
  let kept: Promise<Uint8Array> = Promise.resolve(new Uint8Array());
  let ahead = 0;
  return readOtherwise(source, async (offset, length) => {
    checkRange(source, offset, length);
    if (offset < from || offset + length > end) {
      const follows = offset >= from && offset <= end + worthSkipping;
      ahead = follows ? Math.min(largestGroup, Math.max(first, 2 * ahead)) : least;
      from = offset;
      end = Math.min(source.size, offset + Math.max(length, ahead));
      kept = source.read(from, end - from);
    }
    const [begin, bytes] = [from, kept];
    try {
      return (await bytes).subarray(offset - begin, offset - begin + length);
    } catch (error) {
      // What could not be read may be asked for again.
      if (kept === bytes) from = end = 0;
      throw error;
    }
  });
}
