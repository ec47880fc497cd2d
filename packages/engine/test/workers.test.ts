/** Worker threads: they change no number, hold no more than they may, end when told, and say whose fault a failure is. */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '@omma/core';
import { expect, it } from 'vitest';
import {
  type Batch,
  BatchLoader,
  type BatchLoaderOptions,
  listCheckpoints,
  loadCheckpoint,
  Runner,
} from '../src/index.ts';
import { Stripes } from './support/stripes.ts';
import { tinyConfig } from './support/tiny.ts';

const training = { batchSize: 4, training: true, seed: 1 };

async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const list: Batch[] = [];
  for await (const batch of batches) list.push(batch);
  return list;
}

/** Uses a loader and ends its threads. */
async function using<T>(
  dataset: Stripes,
  options: Partial<BatchLoaderOptions>,
  use: (loader: BatchLoader) => Promise<T>,
): Promise<T> {
  const loader = new BatchLoader(dataset, { ...training, ...options });
  try {
    return await use(loader);
  } finally {
    await loader.dispose();
  }
}

it('none, one and four workers give the same batches, also from the middle of an epoch and with corrupt samples', async () => {
  const dataset = new Stripes({ length: 42, corrupt: [3, 30] });
  const run = (numWorkers: number) =>
    using(dataset, { numWorkers }, async (loader) => [
      ...(await all(loader.epoch(0))),
      ...(await all(loader.epoch(1, 4))),
    ]);
  const none = await run(0);
  expect(none).toHaveLength(16);
  for (const workers of [1, 4]) expect(await run(workers)).toEqual(none);
});

it('evaluation is the same with workers, the filled-up last batch included', async () => {
  const run = (numWorkers: number) =>
    using(new Stripes({ length: 10, corrupt: [0, 9] }), { numWorkers, training: false }, (loader) =>
      all(loader.epoch(0)),
    );
  expect(await run(2)).toEqual(await run(0));
});

it('memory that is given back changes no number, and goes to the threads', async () => {
  const dataset = new Stripes({ length: 40, corrupt: [3] });
  const kept = await using(dataset, {}, (loader) => all(loader.epoch(0)));
  for (const numWorkers of [0, 1, 4]) {
    await using(dataset, { numWorkers }, async (loader) => {
      const seen: Batch[] = [];
      const memory = new Set<ArrayBufferLike>();
      let last: Batch | null = null;
      for await (const batch of loader.epoch(0)) {
        seen.push(structuredClone(batch));
        if (batch.inputs.image !== undefined) memory.add(batch.inputs.image.data.buffer);
        loader.recycle(batch);
        last ??= batch;
      }
      expect(seen).toEqual(kept);
      if (numWorkers === 0) expect(memory.size).toBeLessThan(kept.length);
      else expect(last?.inputs.image?.data.length).toBe(0);
    });
  }
});

it('threads that go with their epoch give the same too', async () => {
  const run = (options: Partial<BatchLoaderOptions>) =>
    using(new Stripes({ length: 9 }), options, async (loader) => [
      ...(await all(loader.epoch(0))),
      ...(await all(loader.epoch(1))),
    ]);
  expect(await run({ numWorkers: 2, persistentWorkers: false })).toEqual(await run({}));
});

it('no more batches are loaded ahead than may be', async () => {
  const seen = new Int32Array(new SharedArrayBuffer(4));
  const dataset = new Stripes({ length: 400, seen });
  await using(dataset, { numWorkers: 2, prefetch: 3 }, async (loader) => {
    const batches = loader.epoch(0)[Symbol.asyncIterator]();
    await batches.next();
    while (Atomics.load(seen, 0) < 16) await new Promise((done) => setTimeout(done, 5));
    await new Promise((done) => setTimeout(done, 100));
    expect(Atomics.load(seen, 0)).toBe(16);
    await batches.return?.();
  });
});

it('an epoch that ends before its first batch was taken is loaded no further', async () => {
  const seen = new Int32Array(new SharedArrayBuffer(4));
  const dataset = new Stripes({ length: 400, seen, delayMs: 10 });
  await using(dataset, { numWorkers: 1, prefetch: 20 }, async (loader) => {
    await loader.epoch(0)[Symbol.asyncIterator]().return?.();
    // One batch may be in work, and what the thread had been handed.
    const next = loader.epoch(1)[Symbol.asyncIterator]();
    await next.next();
    expect(Atomics.load(seen, 0)).toBeLessThan(10 * loader.batchSize);
    await next.return?.();
  });
});

it('a failure in a worker names the sample; a mistake of the user is one line, a defect has its stack', async () => {
  const failure = (dataset: Stripes, options: Partial<BatchLoaderOptions> = {}) =>
    using(dataset, { numWorkers: 2, ...options }, (loader) =>
      all(loader.epoch(0)).then(
        () => new Error('nothing failed'),
        (error: Error) => error,
      ),
    );
  const corrupt = await failure(new Stripes({ length: 8, corrupt: [6] }), { onCorrupt: 'stop' });
  expect(corrupt.name).toBe('OmmaError');
  expect(corrupt.message).toBe('stripes/6.png: truncated');
  const defect = await failure(new Stripes({ length: 8, broken: [6] }));
  expect(defect.message).toBe('data loader: stripes/6.png failed: TypeError: a defect');
  expect(defect.stack).toMatch(/in a worker thread: TypeError: a defect\n\s+at Stripes\.load/);
  const died = await failure(new Stripes({ length: 4, fatal: 2 }), { shuffle: false });
  expect(died.message).toMatch(
    /a worker thread died \(it ended with code 7\) with the batch that begins with stripes\/0\.png/,
  );
});

it('a store that cannot be reached is no corrupt sample: it ends the epoch, from threads too', async () => {
  for (const numWorkers of [0, 2]) {
    await using(new Stripes({ length: 8, away: 6, corrupt: [2] }), { numWorkers }, async (loader) => {
      const failure = all(loader.epoch(0));
      await expect(failure).rejects.toBeInstanceOf(StoreError);
      await expect(failure).rejects.toThrow(/^stripes\/6\.png cannot be reached$/);
    });
  }
});

it("after a worker died, what the others had in work is nobody else's batch", async () => {
  const dataset = new Stripes({ length: 12, fatal: 1, delayMs: 300 });
  await using(dataset, { numWorkers: 2, batchSize: 1, shuffle: false }, async (loader) => {
    await expect(all(loader.epoch(0))).rejects.toThrow(/a worker thread died/);
    const rest = await all(loader.epoch(0, 8));
    expect(rest.map(({ indices }) => indices)).toEqual([[8], [9], [10], [11]]);
  });
});

it('a data set that cannot be opened in a thread is told with what is missing', async () => {
  const dataset = new Stripes({ length: 4 });
  const module = new URL('../dist/version.js', import.meta.url).href;
  dataset.source = () => ({ module, name: 'nothing', options: {} });
  await using(dataset, { numWorkers: 1 }, async (loader) => {
    await expect(all(loader.epoch(0))).rejects.toThrow(/exports no function nothing/);
  });
});

it('a loader that is disposed of in the middle of an epoch ends, and can be used again', async () => {
  await using(new Stripes({ length: 40, delayMs: 5 }), { numWorkers: 2 }, async (loader) => {
    const batches = loader.epoch(0)[Symbol.asyncIterator]();
    const first = await batches.next();
    await loader.dispose();
    // A batch that was ready is still given.
    const rest = async () => {
      while (!(await batches.next()).done);
    };
    await expect(rest()).rejects.toThrow(/disposed of/);
    const [again] = await all(loader.epoch(0));
    expect(again).toEqual(first.value);
  });
});

it('a training run ends with the same parameters with no, one and four workers', async () => {
  const weights = async (numWorkers: number) => {
    const workDir = await mkdtemp(join(tmpdir(), 'omma-workers-'));
    const config = tinyConfig(workDir);
    const { trainDataloader, valDataloader } = config;
    if (trainDataloader === undefined || valDataloader === undefined) throw new Error('no loaders');
    const runner = await Runner.create({
      ...config,
      trainDataloader: { ...trainDataloader, numWorkers },
      valDataloader: { ...valDataloader, numWorkers },
    });
    await runner.train();
    await runner.dispose();
    const [path = ''] = await listCheckpoints(workDir);
    return [...(await loadCheckpoint(path)).tensors].map(([name, { data }]) => [name, [...data]]);
  };
  const none = await weights(0);
  for (const workers of [1, 4]) expect(await weights(workers)).toEqual(none);
});
