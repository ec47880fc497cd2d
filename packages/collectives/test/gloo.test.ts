import {
  type DType,
  type HostCollectives,
  hostArray,
  OmmaError,
  type ReduceOp,
  type Rendezvous,
  toBfloat16,
  toFloat16,
} from '@omma/core';
import { afterEach, describe, expect, it } from 'vitest';
import { connectGloo, glooAvailable } from '../src/index.ts';

const available = glooAvailable();
if (available !== true) process.stderr.write(`skipped: Gloo: ${available}\n`);

/** Places where ranks of this process leave bytes for each other. */
function rendezvous(size: number): Rendezvous[] {
  const values = new Map<string, (value: Uint8Array) => void>();
  const promises = new Map<string, Promise<Uint8Array>>();
  const slot = (key: string) => {
    const known = promises.get(key);
    if (known !== undefined) return known;
    const made = new Promise<Uint8Array>((resolve) => values.set(key, resolve));
    promises.set(key, made);
    return made;
  };
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    set: async (key, value) => {
      void slot(key);
      values.get(key)?.(value);
    },
    get: (key) => slot(key),
  }));
}

const open: HostCollectives[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.dispose();
});

async function ranks(size: number, timeout = 5000): Promise<HostCollectives[]> {
  const all = await Promise.all(
    rendezvous(size).map((group) => connectGloo(group, { host: '127.0.0.1', timeout })),
  );
  open.push(...all);
  return all;
}

const everyRank = <T>(all: readonly HostCollectives[], run: (one: HostCollectives) => Promise<T>) =>
  Promise.all(all.map(run));

describe.skipIf(available !== true)('Gloo', () => {
  it.each([
    ['sum', [1 + 2 + 4, 3 + 5 + 7]],
    ['prod', [8, 105]],
    ['max', [4, 7]],
    ['min', [1, 3]],
  ] as const)('reduces by %s in every dtype', async (op: ReduceOp, expected) => {
    const all = await ranks(3);
    const given = [
      [1, 3],
      [2, 5],
      [4, 7],
    ];
    const encode = (dtype: DType, value: number) =>
      dtype === 'float16' ? toFloat16(value) : dtype === 'bfloat16' ? toBfloat16(value) : value;
    for (const dtype of ['float32', 'float16', 'bfloat16', 'int32', 'uint32', 'uint8'] as const) {
      const results = await everyRank(all, (one) => {
        const data = hostArray(dtype, 2);
        data.set((given[one.rank] ?? []).map((value) => encode(dtype, value)));
        return one.allReduce(data, dtype, op);
      });
      for (const result of results)
        expect([...result]).toEqual(expected.map((value) => encode(dtype, value)));
    }
  });

  it('rounds 16-bit sums to nearest even, keeps infinities, NaN and the smallest numbers', async () => {
    const all = await ranks(2);
    const [a, b] = [
      [1, 2048, 65504, Number.POSITIVE_INFINITY, Number.NaN, 2 ** -24, -0.5],
      [2 ** -11, 1, 65504, Number.NEGATIVE_INFINITY, 1, 2 ** -24, 0.5],
    ];
    const results = await everyRank(all, (one) => {
      const data = Uint16Array.from((one.rank === 0 ? a : b) ?? [], toFloat16);
      return one.allReduce(data, 'float16', 'sum');
    });
    const expected = [1, 2048, Number.POSITIVE_INFINITY, Number.NaN, Number.NaN, 2 ** -23, 0].map(toFloat16);
    // The sign and the payload of a NaN are nobody's business.
    const isNan = (bits: number) => (bits & 0x7fff) > 0x7c00;
    for (const result of results) {
      expect([...result].map((bits) => (isNan(bits) ? 'NaN' : bits))).toEqual(
        expected.map((bits) => (isNan(bits) ? 'NaN' : bits)),
      );
    }
  });

  it('gives every rank the same bits of a large sum', async () => {
    const all = await ranks(3);
    const size = 1_000_003;
    const [first, ...rest] = await everyRank(all, (one) => {
      const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i * (one.rank + 1)));
      return one.allReduce(data, 'float32', 'sum');
    });
    for (const other of rest) expect(Buffer.compare(bytes(first), bytes(other))).toBe(0);
    const expected = Math.sin(12345) + Math.sin(12345 * 2) + Math.sin(12345 * 3);
    expect(first?.[12345]).toBeCloseTo(expected, 5);
  });

  it('broadcasts, gathers, scatters, and keeps the order of calls', async () => {
    const all = await ranks(2);
    const results = await everyRank(all, async (one) => {
      const own = () => Int32Array.of(10 * one.rank, 10 * one.rank + 1);
      const [sent, gathered, scattered] = await Promise.all([
        one.broadcast(own(), 'int32', 1),
        one.allGather(own(), 'int32'),
        one.reduceScatter(own(), 'int32', 'sum'),
        one.barrier(),
      ]);
      return [[...sent], [...gathered], [...scattered]];
    });
    expect(results).toEqual([
      [[10, 11], [0, 1, 10, 11], [10]],
      [[10, 11], [0, 1, 10, 11], [12]],
    ]);
  });

  it('leaves the event loop free while it waits for another rank', async () => {
    const [a, b] = await ranks(2);
    let turns = 0;
    const waiting = a?.barrier();
    for (; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(turns).toBe(5);
    await Promise.all([waiting, b?.barrier()]);
  });

  it('a rank that leaves gives the others an error at once, now and later', async () => {
    const [a, b] = await ranks(2, 60_000);
    const waiting = a?.allReduce(new Float32Array(4), 'float32', 'sum');
    const failed = expect(waiting).rejects.toThrow(/distributed: allReduce by gloo: /);
    await b?.dispose();
    await failed;
    await expect(a?.barrier()).rejects.toThrow(OmmaError);
    expect(await a?.failure()).toMatch(/^gloo: /);
  });

  it('a rank that does not take part is an error after the timeout', async () => {
    const [a] = await ranks(2, 200);
    await expect(a?.allReduce(new Float32Array(4), 'float32', 'sum')).rejects.toThrow(/[Tt]imed out/);
  });

  it('what another rank has written where addresses belong is refused', async () => {
    const [group] = rendezvous(2);
    if (group === undefined) throw new Error('no group');
    await group.set('gloo/addresses/1', Uint8Array.of(1, 2, 3));
    await expect(connectGloo(group, { host: '127.0.0.1', timeout: 1000 })).rejects.toThrow(
      /the addresses of rank 1 are no addresses of Gloo/,
    );
  });

  it('an address that this machine does not have is said so', async () => {
    const [group] = rendezvous(2);
    if (group === undefined) throw new Error('no group');
    await expect(connectGloo(group, { host: '203.0.113.7', timeout: 1000 })).rejects.toThrow(
      /Gloo on rank 0, which listens on 203\.0\.113\.7, does not start/,
    );
  });
});

function bytes(data: { buffer: ArrayBufferLike } | undefined): Buffer {
  return Buffer.from(data?.buffer ?? new ArrayBuffer(0));
}
