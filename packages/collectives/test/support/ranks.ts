/** Ranks of one process, and what every engine's collectives must do. */

import {
  type DType,
  type HostCollectives,
  hostArray,
  type ReduceOp,
  type Rendezvous,
  toBfloat16,
  toFloat16,
} from '@omma/core';
import { expect, it } from 'vitest';

/** Places where ranks of this process leave bytes for each other. */
export function rendezvous(size: number): Rendezvous[] {
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

export const everyRank = <R, T>(all: readonly R[], run: (one: R) => Promise<T>): Promise<T[]> =>
  Promise.all(all.map(run));

/** The claims, for ranks that `connect` connects. */
export function itCollects(connect: (size: number) => Promise<readonly HostCollectives[]>): void {
  it.each([
    ['sum', [1 + 2 + 4, 3 + 5 + 7]],
    ['prod', [8, 105]],
    ['max', [4, 7]],
    ['min', [1, 3]],
  ] as const)('reduces by %s in every dtype', async (op: ReduceOp, expected) => {
    const all = await connect(3);
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

  it.each(['max', 'min'] as const)('finds a NaN by %s, on whichever rank it is', async (op) => {
    const all = await connect(2);
    const given = [
      [Number.NaN, 1, 2],
      [1, Number.NaN, 3],
    ];
    const results = await everyRank(all, (one) =>
      one.allReduce(Float32Array.from(given[one.rank] ?? []), 'float32', op),
    );
    for (const result of results) expect([...result]).toEqual([Number.NaN, Number.NaN, op === 'max' ? 3 : 2]);
  });

  it('broadcasts, gathers, scatters, and keeps the order of calls', async () => {
    const all = await connect(2);
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
}

/** What native engines must do besides: work on large arrays, on a thread of their own, and end. `name` is the engine's. */
export function itIsAnEngine(
  name: string,
  connect: (size: number, timeout?: number) => Promise<readonly HostCollectives[]>,
): void {
  it('rounds 16-bit sums to nearest even, keeps infinities, NaN and the smallest numbers', async () => {
    const all = await connect(2);
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
    const all = await connect(3);
    const size = 1_000_003;
    const [first, ...rest] = await everyRank(all, (one) => {
      const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i * (one.rank + 1)));
      return one.allReduce(data, 'float32', 'sum');
    });
    for (const other of rest) expect(Buffer.compare(bytes(first), bytes(other))).toBe(0);
    // The ends of what goes at once and of what one rank sums.
    for (const i of [0, 12345, 87_423, 262_143, 262_144, size - 1]) {
      expect(first?.[i]).toBeCloseTo(Math.sin(i) + Math.sin(i * 2) + Math.sin(i * 3), 5);
    }
  });

  it('moves large arrays whole', async () => {
    const all = await connect(3);
    const size = 3 * 200_001;
    const value = (rank: number, i: number) => rank * 1_000_000 + i;
    const results = await everyRank(all, async (one) => {
      const own = () => Int32Array.from({ length: size }, (_, i) => value(one.rank, i));
      const sent = await one.broadcast(own(), 'int32', 2);
      const gathered = await one.allGather(own(), 'int32');
      const scattered = await one.reduceScatter(own(), 'int32', 'sum');
      return { sent, gathered, scattered };
    });
    for (const [rank, { sent, gathered, scattered }] of results.entries()) {
      expect(sent.every((found, i) => found === value(2, i))).toBe(true);
      expect(gathered.every((found, i) => found === value(Math.floor(i / size), i % size))).toBe(true);
      const first = (rank * size) / 3;
      expect(scattered.every((found, i) => found === 3_000_000 + 3 * (first + i))).toBe(true);
    }
  });

  it('does nothing with nothing', async () => {
    const all = await connect(2);
    const results = await everyRank(all, async (one) => [
      await one.allReduce(new Float32Array(0), 'float32', 'sum'),
      await one.broadcast(new Float32Array(0), 'float32', 0),
      await one.allGather(new Float32Array(0), 'float32'),
      await one.reduceScatter(new Float32Array(0), 'float32', 'sum'),
    ]);
    for (const one of results) expect(one.map(({ length }) => length)).toEqual([0, 0, 0, 0]);
  });

  it('leaves the event loop free while it waits for another rank', async () => {
    const [a, b] = await connect(2);
    let turns = 0;
    const waiting = a?.barrier();
    for (; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(turns).toBe(5);
    await Promise.all([waiting, b?.barrier()]);
  });

  it('a rank that leaves gives the others an error at once, now and later', async () => {
    const [a, b] = await connect(2, 60_000);
    const waiting = a?.allReduce(new Float32Array(4), 'float32', 'sum');
    const failed = expect(waiting).rejects.toThrow(new RegExp(`distributed: allReduce by ${name}: `));
    await b?.dispose();
    await failed;
    await expect(a?.barrier()).rejects.toThrow(/^distributed: /);
    expect(await a?.failure()).toMatch(new RegExp(`^${name}: `));
  });

  it('a rank that does not take part is an error after the timeout', async () => {
    const [a] = await connect(2, 200);
    await expect(a?.allReduce(new Float32Array(4), 'float32', 'sum')).rejects.toThrow(/[Tt]imed out/);
  });
}

export function bytes(data: { buffer: ArrayBufferLike } | undefined): Buffer {
  return Buffer.from(data?.buffer ?? new ArrayBuffer(0));
}
