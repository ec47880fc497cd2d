/** Ranges that lie near each other, and ranges that follow each other: the same bytes with fewer reads. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type ByteSource,
  fileSource,
  gathered,
  memorySource,
  readAhead,
  readOtherwise,
  readRanges,
} from '../src/index.ts';

const bytes = Uint8Array.from({ length: 4 * 2 ** 20 }, (_, i) => (i * 31 + (i >> 8)) % 256);

/** The file, and what was read of it. */
function watched(fail: () => boolean = () => false) {
  const reads: (readonly [number, number])[] = [];
  const inner = memorySource(bytes, 'a.bin');
  const source: ByteSource = {
    ...inner,
    async read(offset, length) {
      reads.push([offset, length]);
      if (fail()) throw new Error('away');
      return inner.read(offset, length);
    },
  };
  return { source, reads };
}

describe('ranges', () => {
  it('near each other are one read, whatever their order; those far apart and large ones are their own', async () => {
    const { source, reads } = watched();
    const ranges = [
      [3_000_000, 10],
      [70_000, 10],
      [0, 100],
      [50, 200],
      [200_000, 1_100_000],
      [1_300_000, 5],
      [100, 0],
    ].map(([offset = 0, length = 0]) => ({ offset, length }));
    const found: Uint8Array[] = [];
    await readRanges(source, ranges, (place, part) => {
      found[place] = part;
    });
    ranges.forEach(({ offset, length }, i) => {
      expect(Buffer.from(found[i] ?? []).equals(bytes.subarray(offset, offset + length))).toBe(true);
    });
    // 70,000 lies 69,750 bytes after the end of the first, too far to be read along.
    expect(reads).toEqual([
      [0, 250],
      [70_000, 10],
      [200_000, 1_100_000],
      [1_300_000, 5],
      [3_000_000, 10],
    ]);
  });

  it('on disk are read along over a shorter way only: another read costs less there', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'omma-ranges-')), 'a.bin');
    writeFileSync(path, bytes);
    const file = await fileSource(path);
    const reads: number[] = [];
    const source = readOtherwise(file, (offset, length) => {
      reads.push(offset);
      return file.read(offset, length);
    });
    const ranges = [0, 5000, 20_000, 60_000].map((offset) => ({ offset, length: 10 }));
    await readRanges(source, ranges, () => {});
    expect(reads).toEqual([0, 20_000, 60_000]);
    await file.close();
  });

  it('of any number and place give their bytes', async () => {
    let state = 7;
    const random = (below: number) => {
      state = (state * 48271) % 2147483647;
      return state % below;
    };
    const ranges = Array.from({ length: 500 }, () => {
      const offset = random(bytes.length);
      return { offset, length: random(Math.min(5000, bytes.length - offset + 1)) };
    });
    const { source, reads } = watched();
    let right = 0;
    await readRanges(source, ranges, (place, part) => {
      const { offset, length } = ranges[place] ?? { offset: 0, length: 0 };
      if (Buffer.from(part).equals(bytes.subarray(offset, offset + length))) right++;
    });
    expect(right).toBe(ranges.length);
    expect(Math.max(...reads.map(([, length]) => length))).toBeLessThanOrEqual(2 ** 20);
  });

  it('that are asked for side by side are gathered; one that there is not fails alone', async () => {
    const { source, reads } = watched();
    const near = gathered(source);
    const parts = await Promise.allSettled([near.read(10, 5), near.read(bytes.length, 1), near.read(0, 5)]);
    expect(parts.map((part) => (part.status === 'fulfilled' ? [...part.value] : `${part.reason}`))).toEqual([
      [...bytes.subarray(10, 15)],
      expect.stringMatching(/a\.bin: ends at byte 4194304/),
      [...bytes.subarray(0, 5)],
    ]);
    expect(reads).toEqual([[0, 15]]);
  });

  it('that cannot be read fail all that were gathered, and no later ones', async () => {
    let away = true;
    const near = gathered(watched(() => away).source);
    const parts = await Promise.allSettled([near.read(10, 5), near.read(0, 5)]);
    expect(parts.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    away = false;
    expect(await near.read(0, 5)).toEqual(bytes.subarray(0, 5));
  });
});

describe('a source that is read ahead', () => {
  it('reads more and more as long as what is asked for follows', async () => {
    const { source, reads } = watched();
    const ahead = readAhead(source);
    for (let at = 0; at + 1000 <= bytes.length; at += 3000)
      expect(Buffer.from(await ahead.read(at, 1000)).equals(bytes.subarray(at, at + 1000))).toBe(true);
    expect(reads.length).toBeLessThan(12);
    expect(Math.max(...reads.map(([, length]) => length))).toBe(2 ** 20);
  });

  it('reads what is asked for and no more where it lies apart, backwards too', async () => {
    const { source, reads } = watched();
    const ahead = readAhead(source);
    for (const at of [3_000_000, 1_000_000, 2_000_000, 0]) await ahead.read(at, 100);
    expect(reads).toEqual([3_000_000, 1_000_000, 2_000_000, 0].map((at) => [at, 100]));
  });

  it('asks again for what could not be read', async () => {
    let away = true;
    const ahead = readAhead(watched(() => away).source);
    await expect(ahead.read(0, 10)).rejects.toThrow('away');
    away = false;
    expect(await ahead.read(0, 10)).toEqual(bytes.subarray(0, 10));
  });
});
