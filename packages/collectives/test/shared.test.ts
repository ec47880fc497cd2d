import { readdirSync, readlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type HostCollectives, hostArray, type Rendezvous } from '@omma/core';
import { afterEach, describe, expect, it } from 'vitest';
import { connectShared, sharedMemoryAvailable } from '../src/index.ts';
import { bytes, everyRank, itCollects, itIsAnEngine, rendezvous } from './support/ranks.ts';

const available = sharedMemoryAvailable();
if (available !== true) process.stderr.write(`skipped: shared memory: ${available}\n`);

const open: HostCollectives[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.dispose();
});

async function ranks(size: number, timeout = 60_000): Promise<HostCollectives[]> {
  const all = await everyRank(rendezvous(size), async (group) => {
    const connected = await connectShared(group, timeout);
    if (typeof connected === 'string') throw new Error(connected);
    return connected;
  });
  open.push(...all);
  return all;
}

describe.skipIf(available !== true)('shared memory', () => {
  itCollects(ranks);
  itIsAnEngine('shm', ranks);

  it('ranks that call different collectives are told both calls', async () => {
    const all = await ranks(2, 60_000);
    const results = await Promise.allSettled(
      all.map((one) =>
        one.rank === 0
          ? one.allReduce(new Float32Array(3), 'float32', 'max')
          : one.allGather(new Float32Array(2), 'float32'),
      ),
    );
    const reasons = results.map((result) => (result.status === 'rejected' ? String(result.reason) : ''));
    // Who notices second may hear that the other has left.
    expect(reasons.join('\n')).toMatch(/rank 0 calls allReduce of 3 float32 by max/);
    expect(reasons.join('\n')).toMatch(/rank 1 calls allGather of 8 bytes/);
    for (const reason of reasons) expect(reason).toMatch(/different collectives|has left the run/);
  });

  it.each([
    ['nothing is in its place', `/proc/${process.pid}/fd/999999 omma-none`],
    ['another file is in its place', `/proc/${process.pid}/fd/0 omma-none`],
  ])('a rank of another machine, where %s, sends all of them another way', async (_, place) => {
    const [here, there] = rendezvous(2);
    if (here === undefined || there === undefined) throw new Error('no groups');
    const elsewhere: Rendezvous = {
      ...there,
      get: (key) => (key === 'shm/place' ? Promise.resolve(Buffer.from(place)) : there.get(key)),
    };
    const results = await everyRank([here, elsewhere], (group) => connectShared(group, 1000));
    for (const result of results)
      expect(result).toMatch(/^rank 1 has no part in shared memory: .*cannot open .*--pid=host/);
  });

  it('has no name in any folder, and no open file when all ranks have it', async () => {
    const files = () => readdirSync('/proc/self/fd').length;
    const shared = () => readdirSync('/dev/shm').filter((name) => name.startsWith('omma-'));
    const [before, names] = [files(), shared()];
    const [first, ...rest] = rendezvous(2);
    if (first === undefined) throw new Error('no group');
    const made = connectShared(first, 1000);
    const [place = ''] = Buffer.from(await first.get('shm/place'))
      .toString()
      .split(' ');
    expect(readlinkSync(place)).toMatch(/^\/memfd:omma-/);
    expect(files()).toBe(before + 1);
    expect(shared()).toEqual(names);
    await Promise.all([made, ...rest.map((group) => connectShared(group, 1000))]);
    expect(files()).toBe(before);
  });

  it('one rank alone gets its own values', async () => {
    const [one] = await ranks(1);
    if (one === undefined) throw new Error('no rank');
    const own = () => Float32Array.from({ length: 300_001 }, (_, i) => i);
    const results = [
      await one.allReduce(own(), 'float32', 'sum'),
      await one.reduceScatter(own(), 'float32', 'max'),
      await one.allGather(own(), 'float32'),
      await one.broadcast(own(), 'float32', 0),
    ];
    for (const result of results) expect(Buffer.compare(bytes(result), bytes(own()))).toBe(0);
    await one.barrier();
  });

  it('more ranks than processors come to an end, with the right sums', async () => {
    const size = 3 * availableParallelism();
    const all = await ranks(size);
    const rounds = 50;
    const results = await everyRank(all, async (one) => {
      const sums: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const data = new Int32Array(10_000).fill(one.rank + round);
        const sum = await one.allReduce(data, 'int32', 'sum');
        sums.push(sum[0] ?? 0, sum[9999] ?? 0);
      }
      return sums;
    });
    const expected = Array.from(
      { length: 2 * rounds },
      (_, i) => (size * (size - 1)) / 2 + size * Math.floor(i / 2),
    );
    for (const sums of results) expect(sums).toEqual(expected);
  });

  it.each([1, 3, 5, 131_071, 262_145])('scatters %i elements a rank of every width', async (length) => {
    const all = await ranks(3);
    // Below 256 when three are added.
    const value = (rank: number, i: number) => (rank + 1) * ((i % 41) + 1);
    for (const dtype of ['uint8', 'int32'] as const) {
      const results = await everyRank(all, (one) => {
        const own = hostArray(dtype, 3 * length);
        own.set(Array.from(own, (_, i) => value(one.rank, i)));
        return one.reduceScatter(own, dtype, 'sum');
      });
      for (const [rank, part] of results.entries()) {
        expect(part.length).toBe(length);
        expect(part.every((sum, i) => sum === 6 * (((rank * length + i) % 41) + 1))).toBe(true);
      }
    }
  });

  it('more ranks than there is room for are told so', async () => {
    const group: Rendezvous = {
      rank: 0,
      size: 16385,
      set: async () => undefined,
      get: async (key) => Buffer.from(key === 'shm/opened/0' ? 'for 1 to 16384 ranks' : ''),
    };
    const said: string[] = [];
    const listening = {
      ...group,
      set: async (key: string, value: Uint8Array) => void said.push(`${key} ${Buffer.from(value)}`),
    };
    expect(await connectShared(listening, 1000)).toMatch(/^rank 0 has no part/);
    expect(said).toEqual([
      'shm/place ',
      'shm/opened/0 shared memory: for 1 to 16384 ranks, but there are 16385',
    ]);
  });
});
