import { hostTensor, OmmaError } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { type Batch, BatchLoader, type Dataset, sampleOrder } from '../src/index.ts';
import { Stripes } from './support/stripes.ts';

async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const list: Batch[] = [];
  for await (const batch of batches) list.push(batch);
  return list;
}

const training = { batchSize: 4, training: true, seed: 1 };
const evaluation = { batchSize: 4, training: false, seed: 1 };

describe('the order of samples', () => {
  it('is a permutation that seed and epoch decide', () => {
    const order = [...sampleOrder(100, true, 1, 0)];
    expect(order.toSorted((a, b) => a - b)).toEqual([...sampleOrder(100, false, 1, 0)]);
    expect([...sampleOrder(100, true, 1, 0)]).toEqual(order);
    expect([...sampleOrder(100, true, 1, 1)]).not.toEqual(order);
    expect([...sampleOrder(100, true, 2, 0)]).not.toEqual(order);
  });
});

describe('the data loader', () => {
  it('gives whole shuffled batches in training', async () => {
    const loader = new BatchLoader(new Stripes({ length: 11 }), training);
    const batches = await all(loader.epoch(0));
    expect(batches).toHaveLength(2);
    expect(loader.samplesPerEpoch).toBe(8);
    expect(batches[0]?.inputs.image?.shape).toEqual([4, 8, 8, 1]);
    expect(batches.flatMap(({ indices }) => indices)).toEqual([...sampleOrder(11, true, 1, 0)].slice(0, 8));
  });

  it('gives every sample once in evaluation, and fills up the last batch', async () => {
    const batches = await all(new BatchLoader(new Stripes({ length: 10 }), evaluation).epoch(0));
    expect(batches.map(({ count }) => count)).toEqual([4, 4, 2]);
    expect(batches[2]?.indices).toEqual([8, 9, 8, 8]);
    expect(batches[2]?.inputs.label?.shape).toEqual([4]);
  });

  it('gives the same rest of an epoch whether it began there or before', async () => {
    const loader = new BatchLoader(new Stripes({ length: 24 }), training);
    const whole = await all(loader.epoch(3));
    expect(await all(loader.epoch(3, 2))).toEqual(whole.slice(2));
  });

  it('fills a batch from a data set smaller than one when dropLast is false, and refuses it otherwise', async () => {
    const small = new Stripes({ length: 3 });
    expect(() => new BatchLoader(small, training)).toThrow(
      /batchSize 4 is more than the 3 samples of an epoch, so no batch is whole; make it at most 3, or set dropLast: false/,
    );
    expect(() => new BatchLoader(small, { ...training, batchSize: 2, shard: { rank: 0, size: 2 } })).toThrow(
      /batchSize 2 on each of 2 ranks is more than the 3 samples/,
    );
    const [batch] = await all(new BatchLoader(small, { ...training, dropLast: false }).epoch(0));
    expect(new Set(batch?.indices)).toEqual(new Set([0, 1, 2]));
    expect(batch?.indices).toHaveLength(4);
  });

  it('refuses a batch larger than the memory before it begins one', async () => {
    const batchSize = 2 ** 40;
    for (const options of [evaluation, { ...training, numBatchPerEpoch: 2 }]) {
      const loader = new BatchLoader(new Stripes({ length: 8 }), { ...options, batchSize });
      await expect(all(loader.epoch(0))).rejects.toThrow(
        /a batch of 1099511627776 samples takes 74766\.8 GB, this machine has .* GB; make batchSize at most \d+/,
      );
    }
    const large = new BatchLoader(new Stripes({ length: 3 }), { ...evaluation, batchSize: 5000 });
    expect((await all(large.epoch(0))).map(({ count }) => count)).toEqual([3]);
  });

  it('writes into memory that was given back, which is zero again', async () => {
    const edge: Dataset = {
      length: 64,
      classes: [],
      nameOf: String,
      load: async (index, { allocate }) => {
        const data = allocate?.('image', 'uint8', [4]) ?? new Uint8Array(4);
        data[index % 4] = 255;
        return { tensors: { image: hostTensor([4], 'uint8', data) } };
      },
    };
    const loader = new BatchLoader(edge, training);
    const memory = new Set<ArrayBufferLike>();
    for await (const batch of loader.epoch(0)) {
      const data = [...(batch.inputs.image?.data ?? [])];
      if (batch.inputs.image !== undefined) memory.add(batch.inputs.image.data.buffer);
      expect(data.filter((value) => value === 255)).toHaveLength(4);
      expect(data.filter((value) => value === 0)).toHaveLength(12);
      loader.recycle(batch);
    }
    expect(memory.size).toBeLessThan(8);
  });

  it('decodes ahead, and no further than the prefetch limit', async () => {
    let asked = 0;
    class Counting extends Stripes {
      override load(...args: Parameters<Stripes['load']>) {
        asked++;
        return super.load(...args);
      }
    }
    const loader = new BatchLoader(new Counting({ length: 40 }), { ...training, prefetch: 2 });
    const iterator = loader.epoch(0)[Symbol.asyncIterator]();
    await new Promise((done) => setTimeout(done, 20));
    expect(asked).toBe(8);
    await iterator.next();
    expect(asked).toBe(12);
  });

  it('replaces a corrupt sample in training and names it', async () => {
    const loader = new BatchLoader(new Stripes({ length: 4, corrupt: [2] }), { ...training, shuffle: false });
    const [batch] = await all(loader.epoch(0));
    expect(batch?.indices).toEqual([0, 1, 3, 3]);
    expect(batch?.skipped).toEqual([{ name: 'stripes/2.png', reason: 'stripes/2.png: truncated' }]);
  });

  it('leaves a corrupt sample out in evaluation', async () => {
    const [batch] = await all(new BatchLoader(new Stripes({ length: 4, corrupt: [0] }), evaluation).epoch(0));
    expect(batch?.count).toBe(3);
    expect(batch?.indices).toEqual([1, 2, 3, 1]);
    const { data } = batch?.inputs.image ?? { data: [] };
    expect(data.slice(192)).toEqual(data.slice(0, 64));
    const whole = await all(new BatchLoader(new Stripes({ length: 4 }), evaluation).epoch(0));
    expect(data.slice(0, 192)).toEqual(whole[0]?.inputs.image?.data.slice(64));
  });

  it('stops at a corrupt sample when told to, at any other failure always', async () => {
    const stop = new BatchLoader(new Stripes({ length: 8, corrupt: [6] }), {
      ...training,
      onCorrupt: 'stop',
    });
    await expect(all(stop.epoch(0))).rejects.toThrow(/stripes\/6\.png: truncated/);
    const broken = new BatchLoader(new Stripes({ length: 8, broken: [6] }), training);
    await expect(all(broken.epoch(0))).rejects.toThrow(/stripes\/6\.png failed: TypeError: a defect/);
  });

  it('refuses an empty data set, and a batch of which nothing can be read', async () => {
    expect(() => new BatchLoader(new Stripes({ length: 0 }), training)).toThrow(OmmaError);
    const none = new BatchLoader(new Stripes({ length: 4, corrupt: [0, 1, 2, 3] }), training);
    await expect(all(none.epoch(0))).rejects.toThrow(/none of 4 samples can be read; the first: stripes/);
  });
});
