/** Ranges of bytes that lie near each other, read with one request: on a server each costs a trip there and back, whatever its length. */

import { type ByteSource, checkRange, readOtherwise, serverSkips } from './byteSource.ts';

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Bytes of one request, unless a range alone has more. */
export const largestGroup = 2 ** 20;
/** Requests that are under way side by side. */
const atOnce = 16;

/** What one request is for. */
interface Group extends ByteRange {
  /** The places of its ranges in the list. */
  readonly members: readonly number[];
}

/** The ranges in the order of the file, neighbours together. */
function groupsOf(ranges: readonly ByteRange[], { worthSkipping = serverSkips }: ByteSource): Group[] {
  const groups: { offset: number; length: number; members: number[] }[] = [];
  const order = ranges.map((_, place) => place).sort((a, b) => offsetOf(a) - offsetOf(b));
  function offsetOf(place: number): number {
    return ranges[place]?.offset ?? 0;
  }
  for (const place of order) {
    const { offset, length } = ranges[place] ?? { offset: 0, length: 0 };
    const last = groups.at(-1);
    const reach = last === undefined ? 0 : Math.max(last.length, offset + length - last.offset);
    if (last !== undefined && offset <= last.offset + last.length + worthSkipping && reach <= largestGroup) {
      last.length = reach;
      last.members.push(place);
    } else groups.push({ offset, length, members: [place] });
  }
  return groups;
}

/**
 * Hands the bytes of each range to `take`, with its place in the list, in whatever order they come. Memory is for the groups that are under way.
 * `onProgress` is told the share of the groups that is done.
 */
export async function readRanges(
  source: ByteSource,
  ranges: readonly ByteRange[],
  take: (place: number, bytes: Uint8Array) => void,
  onProgress: (share: number) => void = () => {},
): Promise<void> {
  const groups = groupsOf(ranges, source);
  let done = 0;
  for (let from = 0; from < groups.length; from += atOnce) {
    await Promise.all(
      groups.slice(from, from + atOnce).map(async ({ offset, length, members }) => {
        const bytes = await source.read(offset, length);
        for (const place of members) {
          const range = ranges[place] ?? { offset, length: 0 };
          take(place, bytes.subarray(range.offset - offset, range.offset - offset + range.length));
        }
        onProgress(++done / groups.length);
      }),
    );
  }
}

interface Waiting extends ByteRange {
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** The source, but what is asked for side by side (the pictures of a batch) and lies near each other is one request. What lies apart is read as it is. */
export function gathered(source: ByteSource): ByteSource {
  let waiting: Waiting[] = [];
  const flush = () => {
    const asked = waiting;
    waiting = [];
    for (const { offset, length, members } of groupsOf(asked, source)) {
      const own = members.flatMap((place) => asked[place] ?? []);
      source.read(offset, length).then(
        (bytes) => {
          for (const range of own)
            range.resolve(bytes.subarray(range.offset - offset, range.offset - offset + range.length));
        },
        (error: unknown) => {
          for (const { reject } of own) reject(error);
        },
      );
    }
  };
  return readOtherwise(source, async (offset, length) => {
    // A range that there is not would take its neighbours with it.
    checkRange(source, offset, length);
    if (waiting.length === 0) setImmediate(flush);
    return new Promise((resolve, reject) => waiting.push({ offset, length, resolve, reject }));
  });
}
