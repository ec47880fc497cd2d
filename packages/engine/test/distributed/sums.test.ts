/** Sums inside the programs of the CPU device: two devices of this process as ranks, which make and use a sum in every way that a graph can ask for. */

import { connectGloo, connectShared, glooAvailable, sharedMemoryAvailable } from '@omma/collectives';
import {
  add,
  allReduce,
  compile,
  deviceFactories,
  type HostCollectives,
  hostTensor,
  mul,
  OmmaError,
  type Rendezvous,
  sub,
  sum,
  Variable,
} from '@omma/core';
import { createCpuDevice } from '@omma/cpu';
import { afterEach, describe, expect, it } from 'vitest';
import { everyRank, rendezvous } from '../../../collectives/test/support/ranks.ts';

const cpu =
  deviceFactories()
    .find(({ name }) => name === 'cpu')
    ?.available() ?? 'the device cpu is unknown';
const missing = [cpu, sharedMemoryAvailable(), glooAvailable()].find((reason) => reason !== true);

/** More than one chunk of shared memory, in shares of which none is whole. */
const elements = 300_001;
const given = (rank: number) =>
  Float32Array.from({ length: elements }, (_, i) => Math.sin(i * (rank + 1)) + rank);

const engines: Record<string, (group: Rendezvous) => Promise<HostCollectives | string>> = {
  shm: (group) => connectShared(group, 60_000),
  gloo: (group) => connectGloo(group, { host: '127.0.0.1', timeout: 60_000 }),
};

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** Two steps of `w -= 0.5 * sum(x); seen += sum(x)` on each rank; `together`: one program reads the sum, otherwise two do. */
async function steps(engine: string, together: boolean) {
  return everyRank(rendezvous(2), async (group) => {
    const host = await engines[engine]?.(group);
    if (host === undefined || typeof host === 'string') throw new OmmaError(`${engine}: ${host}`);
    const device = createCpuDevice();
    open.push(() => host.dispose().then(() => device.dispose()));
    await device.attach?.(host);
    const type = { shape: [elements], dtype: 'float32' } as const;
    const w = new Variable('w', type);
    const seen = new Variable('seen', type);
    const step = compile(
      ({ x }) => {
        if (x === undefined) throw new OmmaError('no x');
        const all = allReduce(mul(x, 2), 2);
        const change = mul(all, 0.25);
        w.write(sub(w.read(), change));
        if (together) seen.write(add(seen.read(), change));
        return together ? {} : { total: sum(all) };
      },
      { device, name: `step of rank ${group.rank}`, profile: true },
    );
    const x = hostTensor([elements], 'float32', given(group.rank));
    for (let i = 0; i < 2; i++) await step({ x });
    const executable = await step.prepare({ x });
    const ops = executable.profile().map(({ op }) => op);
    return { w: (await w.download()).data, seen: (await seen.download()).data, ops };
  });
}

describe.skipIf(missing !== undefined)('a sum over ranks inside a program', () => {
  const [first, second] = [given(0), given(1)];
  const expected = Float32Array.from(first, (x, i) => {
    const change = Math.fround(Math.fround(Math.fround(2 * x) + Math.fround(2 * (second[i] ?? 0))) * 0.25);
    return Math.fround(Math.fround(0 - change) - change);
  });

  it.each(['shm', 'gloo'])(
    '%s: gives the program that alone reads it the same bits on all ranks',
    async (engine) => {
      const ranks = await steps(engine, true);
      for (const { w, seen } of ranks) {
        expect(w).toEqual(expected);
        expect(seen).toEqual(expected.map((value) => -value));
      }
      // Where the device makes the sum itself, the program takes it piece by piece.
      const taken = ranks.map(({ ops }) => ops.includes('allReduceElementwise'));
      expect(taken).toEqual([engine === 'shm', engine === 'shm']);
    },
  );

  it.each(['shm', 'gloo'])('%s: gives several readers the same bits on all ranks', async (engine) => {
    for (const { w, ops } of await steps(engine, false)) {
      expect(w).toEqual(expected);
      expect(ops).not.toContain('allReduceElementwise');
    }
  });
});
