/** Samplers, wrappers and collation: what an epoch is made of, in any number of ranks and threads. */

import { hostTensor } from '@omma/core';
import { describe, expect, it } from 'vitest';
import type { SampleMix } from '../src/data/wrappers/multiImageMix.ts';
import {
  type Batch,
  BatchLoader,
  type BatchLoaderOptions,
  type Dataset,
  datasets,
  type Sample,
  type SampleContext,
  type SamplerConfig,
  samplers,
} from '../src/index.ts';
import { Stripes } from './support/stripes.ts';
import './support/tiny.ts';

const training = { batchSize: 4, training: true, seed: 1 };

async function batchesOf(dataset: Dataset, options: Partial<BatchLoaderOptions> = {}, epoch = 0, from = 0) {
  const loader = new BatchLoader(dataset, { ...training, ...options });
  const list: Batch[] = [];
  for await (const batch of loader.epoch(epoch, from)) list.push(batch);
  await loader.dispose();
  return list;
}

const indicesOf = (batches: readonly Batch[]) => batches.flatMap(({ indices }) => indices);

/** Pictures of given shapes whose pixels and boxes tell their index. */
class Shapes implements Dataset {
  readonly classes = ['rare', 'common'];
  readonly #sizes: readonly (readonly [number, number])[];

  constructor(sizes: readonly (readonly [number, number])[]) {
    this.#sizes = sizes;
  }

  get length(): number {
    return this.#sizes.length;
  }

  async load(index: number, { repeat = 0 }: SampleContext): Promise<Sample> {
    const [height, width] = this.#sizes[index] ?? [0, 0];
    const pixels = new Uint8Array(height * width).fill(index + 1);
    return {
      tensors: {
        image: hostTensor([height, width, 1], 'uint8', pixels),
        boxes: hostTensor([index, 4], 'float32', new Float32Array(4 * index).fill(index)),
        repeat: hostTensor([], 'int32', Int32Array.of(repeat)),
      },
    };
  }

  nameOf(index: number): string {
    return `shape ${index}`;
  }

  labelOf(index: number): number {
    return index === 0 ? 0 : 1;
  }

  aspectRatioOf(index: number): number {
    const [height, width] = this.#sizes[index] ?? [1, 1];
    return width / height;
  }
}

const squares = (count: number) => new Shapes(Array.from({ length: count }, () => [2, 2]));

describe('every sampler', () => {
  const configs: readonly SamplerConfig[] = [
    { type: 'DefaultSampler' },
    { type: 'InfiniteSampler' },
    { type: 'ClassAwareSampler' },
    { type: 'RepeatAugSampler', numRepeats: 3 },
  ];
  for (const sampler of configs) {
    it(`${sampler.type} gives two ranks together what one process has, goes on in the middle, and differs by epoch`, async () => {
      const dataset = new Stripes({ length: 26 });
      const one = await batchesOf(dataset, { sampler, batchSize: 8 }, 1);
      const ranks = [0, 1].map((rank) => batchesOf(dataset, { sampler, shard: { rank, size: 2 } }, 1));
      const [first = [], second = []] = await Promise.all(ranks);
      const together = first.flatMap((batch, step) => [...batch.indices, ...(second[step]?.indices ?? [])]);
      expect(together).toEqual(indicesOf(one));
      expect(await batchesOf(dataset, { sampler, batchSize: 8 }, 1, 2)).toEqual(one.slice(2));
      expect(indicesOf(await batchesOf(dataset, { sampler, batchSize: 8 }, 2))).not.toEqual(indicesOf(one));
    });
  }

  it('misspelt or with wrong options is refused with its name', () => {
    expect(samplers.schema().safeParse({ type: 'DefaultSampler', shuffle: 1 }).success).toBe(false);
    expect(samplers.schema().safeParse({ type: 'InfinitSampler' }).error?.issues[0]?.message).toMatch(
      /did you mean InfiniteSampler/,
    );
  });
});

describe('samplers', () => {
  it('InfiniteSampler goes through all samples before it begins again, across epochs', async () => {
    const options = { sampler: { type: 'InfiniteSampler' }, numBatchPerEpoch: 3 } as const;
    const dataset = new Stripes({ length: 18 });
    const seen = [0, 1, 2].map((epoch) => batchesOf(dataset, options, epoch));
    const all = indicesOf((await Promise.all(seen)).flat());
    for (const pass of [all.slice(0, 18), all.slice(18)]) expect(new Set(pass).size).toBe(18);
  });

  it('ClassAwareSampler takes every class equally often', async () => {
    const batches = await batchesOf(squares(12), {
      sampler: { type: 'ClassAwareSampler' },
      collate: { type: 'PadCollate' },
    });
    const rare = indicesOf(batches).filter((index) => index === 0);
    expect(rare).toHaveLength(6);
    const repeats = batches.flatMap(({ indices, inputs }) =>
      indices.flatMap((index, row) => (index === 0 ? [inputs.repeat?.data[row]] : [])),
    );
    expect(repeats).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('RepeatAugSampler gives each sample several times in a row, each time another augmentation', async () => {
    const batches = await batchesOf(squares(12), {
      sampler: { type: 'RepeatAugSampler', numRepeats: 2 },
      collate: { type: 'PadCollate' },
    });
    const indices = indicesOf(batches);
    for (let i = 0; i < 12; i += 2) expect(indices[i]).toBe(indices[i + 1]);
    expect(new Set(indices).size).toBe(6);
    expect([...(batches[0]?.inputs.repeat?.data ?? [])]).toEqual([0, 1, 0, 1]);
  });

  it('AspectRatioBatchSampler keeps upright and wide pictures apart and loses none', async () => {
    const dataset = new Shapes(Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? [4, 2] : [2, 4])));
    const batches = await batchesOf(dataset, {
      batchSampler: { type: 'AspectRatioBatchSampler' },
      collate: { type: 'PadCollate' },
    });
    expect(new Set(indicesOf(batches)).size).toBe(16);
    for (const { indices } of batches) expect(new Set(indices.map((index) => index % 2)).size).toBe(1);
  });

  it('dropLast false fills the last batch with the first samples, numBatchPerEpoch cuts and goes round', async () => {
    const dataset = new Stripes({ length: 10 });
    const filled = indicesOf(await batchesOf(dataset, { dropLast: false }));
    expect(filled).toHaveLength(12);
    expect(filled.slice(10)).toEqual(filled.slice(0, 2));
    expect(await batchesOf(dataset, { numBatchPerEpoch: 1 })).toHaveLength(1);
    expect(indicesOf(await batchesOf(dataset, { numBatchPerEpoch: 4 }))).toHaveLength(16);
    expect(indicesOf(await batchesOf(dataset, { training: false, numBatchPerEpoch: 2 }))).toHaveLength(8);
  });
});

describe('wrappers', () => {
  const stripes = (length: number) => ({ type: 'Stripes', length }) as const;
  const contents = async (dataset: Dataset, numWorkers: number) =>
    batchesOf(dataset, { training: false, batchSize: dataset.length, numWorkers });

  it('are data sets that configs name, nested as one likes, the same in worker threads', async () => {
    const dataset = datasets.build({
      type: 'RepeatDataset',
      times: 2,
      dataset: {
        type: 'ConcatDataset',
        datasets: [stripes(3), { type: 'SubsetDataset', dataset: stripes(8), indices: [7, 0] }],
      },
    });
    expect(dataset.length).toBe(10);
    expect(Array.from({ length: 5 }, (_, i) => dataset.nameOf(i))).toEqual(
      [0, 1, 2, 7, 0].map((index) => `stripes/${index}.png`),
    );
    expect([3, 4, 8, 9].map((index) => dataset.labelOf?.(index))).toEqual([1, 0, 1, 0]);
    expect(await contents(dataset, 2)).toEqual(await contents(dataset, 0));
  });

  it('SubsetDataset takes so many samples, evenly spread, or such a share of them', () => {
    const names = (count: number) => {
      const dataset = datasets.build({ type: 'SubsetDataset', dataset: stripes(10), count });
      return Array.from({ length: dataset.length }, (_, i) => dataset.nameOf(i));
    };
    expect(names(2)).toEqual(['stripes/0.png', 'stripes/5.png']);
    expect(names(0.3)).toHaveLength(3);
    expect(() => datasets.build({ type: 'SubsetDataset', dataset: stripes(10), indices: [10] })).toThrow(
      /index 10 is not in the data set, which has 10 samples/,
    );
  });

  it('ClassBalancedDataset repeats rare classes by the square root of how rare they are', async () => {
    const { classBalanced } = await import('../src/data/wrappers/choose.ts');
    // One sample in 25 is rare: sqrt(0.36 / 0.04) = 3 times.
    const balanced = classBalanced(squares(25), 0.36);
    expect(balanced.length).toBe(27);
    const labels = Array.from({ length: 27 }, (_, i) => balanced.labelOf?.(i));
    expect(labels.filter((label) => label === 0)).toHaveLength(3);
  });

  it('ConcatDataset refuses data sets of different classes', async () => {
    const { ConcatDataset } = await import('../src/data/wrappers/concat.ts');
    expect(() => new ConcatDataset([new Stripes({ length: 1 }), squares(1)])).toThrow(
      /different classes: horizontal, vertical, and rare, common/,
    );
  });

  it('MultiImageMixDataset makes one sample of several, the same in any order and thread', async () => {
    const { MultiImageMixDataset } = await import('../src/index.ts');
    const { Halves } = await import('./support/halves.ts');
    const dataset = new MultiImageMixDataset(new Stripes({ length: 12 }), [new Halves()]);
    const options = { training: false, batchSize: 12 };
    const [none] = await batchesOf(dataset, options);
    expect(await batchesOf(dataset, { ...options, numWorkers: 2 })).toEqual([none]);
    const [plain] = await batchesOf(new Stripes({ length: 12 }), options);
    const rows = (batch: Batch | undefined, from: number, to: number) =>
      batch?.inputs.image?.data.subarray(from, to);
    expect(rows(none, 0, 32)).toEqual(rows(plain, 0, 32));
    expect(rows(none, 32, 64)).not.toEqual(rows(plain, 32, 64));
  });
});

it('a mix may draw as many random numbers as it likes, none of them twice', async () => {
  const { MultiImageMixDataset } = await import('../src/index.ts');
  const drawn = new Set<number>();
  const greedy: SampleMix = {
    partners: (_, __, random) => {
      for (let i = 0; i < 300; i++) drawn.add(random());
      return [];
    },
    mix: ([sample]) => {
      throw new Error(`mixes ${JSON.stringify(sample)}`);
    },
  };
  const dataset = new MultiImageMixDataset(new Stripes({ length: 2 }), [greedy]);
  await dataset.load(0, { seed: 1, epoch: 0, training: true });
  // Of 300 numbers of 24 bits two may be the same by chance, one time in 370; these, always the same, are not.
  expect(drawn.size).toBe(300);
});

describe('collation', () => {
  it('pads pictures to the largest and a multiple, lists to a power of two with their lengths', async () => {
    const dataset = new Shapes([
      [2, 3],
      [4, 1],
      [3, 5],
      [1, 1],
    ]);
    const [batch] = await batchesOf(dataset, {
      shuffle: false,
      collate: { type: 'PadCollate', sizeDivisor: 4, padValue: 9 },
    });
    const { image, boxes, boxesLength, repeat } = batch?.inputs ?? {};
    expect(image?.shape).toEqual([4, 4, 8, 1]);
    expect([...(image?.data.subarray(0, 24) ?? [])]).toEqual([
      ...[1, 1, 1, 9, 9, 9, 9, 9],
      ...[1, 1, 1, 9, 9, 9, 9, 9],
      ...[9, 9, 9, 9, 9, 9, 9, 9],
    ]);
    expect(boxes?.shape).toEqual([4, 4, 4]);
    expect([...(boxesLength?.data ?? [])]).toEqual([0, 1, 2, 3]);
    expect([...(boxes?.data.subarray(32, 44) ?? [])]).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0]);
    expect(repeat?.shape).toEqual([4]);
  });

  it('of different shapes without padding names the sample', async () => {
    const dataset = new Shapes([
      [2, 2],
      [2, 3],
    ]);
    await expect(batchesOf(dataset, { batchSize: 2, shuffle: false })).rejects.toThrow(
      /shape 1 gives image as uint8 \[2, 3, 1\] but the batch has uint8 \[2, 2, 1\]/,
    );
  });
});

it('a subset counts whole samples, or is a share of them', () => {
  const parsed = (count: number) =>
    datasets.schema().safeParse({ type: 'SubsetDataset', dataset: { type: 'Stripes', length: 4 }, count });
  for (const count of [1, 3, 0.5]) expect(parsed(count).success).toBe(true);
  expect(parsed(1.5).error?.issues[0]?.message).toMatch(/a whole number of samples, or a share of them/);
});
