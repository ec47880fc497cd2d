/** A collate of a user's own is named in a config as those that come with Omma are, and runs where the samples are loaded. */

import type { HostTensor } from '@omma/core';
import { describe, expect, it } from 'vitest';
import {
  type Batch,
  BatchLoader,
  type BatchLoaderOptions,
  type CollateConfig,
  checkConfig,
  registeredTypes,
} from '../src/index.ts';
import { Stripes } from './support/stripes.ts';
import { tinyConfig } from './support/tiny.ts';
import './support/blend.ts';

/** The batches of an epoch. With `recycled` each gives its memory back when it has been copied, as in training. */
async function batchesOf(
  dataset: Stripes,
  options: Partial<BatchLoaderOptions>,
  { epoch = 0, recycled = false } = {},
): Promise<Batch[]> {
  const loader = new BatchLoader(dataset, { batchSize: 4, training: true, seed: 1, ...options });
  const list: Batch[] = [];
  for await (const batch of loader.epoch(epoch)) {
    list.push(structuredClone(batch));
    if (recycled) loader.recycle(batch);
  }
  await loader.dispose();
  return list;
}

const stripes = new Stripes({ length: 42 });
const blend: CollateConfig = { type: 'Blend', most: 0.5 };
const pixels = (batches: readonly Batch[]) => batches.map(({ inputs }) => inputs.image?.data);

describe('a collate of a user', () => {
  it('gives the same batches with any number of workers, in fresh memory and in that of earlier batches', async () => {
    const none = await batchesOf(stripes, { collate: blend });
    expect(none).toHaveLength(10);
    expect(pixels(none)).not.toEqual(pixels(await batchesOf(stripes, {})));
    for (const numWorkers of [0, 1, 2]) {
      expect(await batchesOf(stripes, { collate: blend, numWorkers }, { recycled: true })).toEqual(none);
    }
  });

  it('draws other numbers for each batch and epoch, and knows an evaluation', async () => {
    const constant = await batchesOf(stripes, { collate: blend, training: false });
    expect(constant).toEqual(await batchesOf(stripes, { training: false }));
    // Of the same pictures in the same order, whose noise alone differs, epochs are blended differently.
    const order = { collate: blend, shuffle: false, numBatchPerEpoch: 1 };
    const first = await batchesOf(stripes, order, { epoch: 0 });
    expect(pixels(await batchesOf(stripes, order, { epoch: 1 }))).not.toEqual(pixels(first));
  });

  it('may stack in any order and more than once', async () => {
    for (const numWorkers of [0, 1]) {
      const [batch] = await batchesOf(stripes, { collate: { type: 'Mistaken', how: 'twice' }, numWorkers });
      const [plain] = await batchesOf(stripes, {});
      const { image, again, backwards } = batch?.inputs ?? {};
      expect(image).toEqual(plain?.inputs.image);
      expect(again).toEqual(image);
      expect(rowsOf(backwards)).toEqual(rowsOf(image).toReversed());
    }
  });

  it('keeps what is its own: a constant is given with every batch', async () => {
    for (const numWorkers of [0, 1]) {
      const options = { collate: { type: 'Mistaken', how: 'constant' }, numWorkers } as const;
      const batches = await batchesOf(stripes, options, { recycled: true });
      for (const { inputs } of batches) expect([...(inputs.constant?.data ?? [])]).toEqual([1, 2, 3, 4]);
    }
  });

  it('with corrupt samples left out has their places filled, whatever lies in them', async () => {
    const dataset = new Stripes({ length: 8, corrupt: [0, 5, 6, 7] });
    const [first, second] = await batchesOf(dataset, {
      collate: { type: 'Mistaken', how: 'twice' },
      training: false,
    });
    expect(first?.indices).toEqual([1, 2, 3, 1]);
    expect(rowsOf(first?.inputs.backwards)).toEqual(rowsOf(first?.inputs.image).toReversed());
    expect(second?.indices).toEqual([4, 4, 4, 4]);
    expect(new Set(rowsOf(second?.inputs.image).map((row) => row.join())).size).toBe(1);
  });

  it('may begin with what PadCollate makes', async () => {
    const [batch] = await batchesOf(stripes, { collate: { type: 'CountBoxes' } });
    expect(batch?.inputs.boxCount?.shape).toEqual([4, 1]);
    expect(batch?.inputs.image?.shape).toEqual([4, 8, 8, 1]);
  });

  it('that fails is named with the batch, in threads as on the main one', async () => {
    const failure = (how: 'rows' | 'user' | 'defect', numWorkers: number) =>
      batchesOf(stripes, { collate: { type: 'Mistaken', how }, numWorkers, shuffle: false }).then(
        () => new Error('nothing failed'),
        (error: Error) => error,
      );
    for (const workers of [0, 1]) {
      const rows = await failure('rows', workers);
      expect(rows.name).toBe('OmmaError');
      expect(rows.message).toMatch(
        /^data loader: Mistaken gives image as uint8 \[3, 8, 8, 1\], but a batch of 4 samples has 4 rows/,
      );
      expect((await failure('user', workers)).message).toBe('stripes/1.png is of no use');
      expect((await failure('defect', workers)).message).toBe(
        'data loader: Mistaken failed with the batch that begins with stripes/0.png: TypeError: a defect',
      );
    }
  });

  it('is checked in configs and listed with its file', () => {
    const config = tinyConfig('work');
    const checked = (collate: object) =>
      checkConfig({ ...config, trainDataloader: { ...config.trainDataloader, collate } });
    expect(() => checked(blend)).not.toThrow();
    expect(() => checked({ type: 'Blend', most: 2 })).toThrow(/trainDataloader\.collate\.most is 2/);
    expect(() => checked({ type: 'Blendd' })).toThrow(
      /expected a collate, one of .*PadCollate.*StackCollate.*; did you mean Blend\?/,
    );
    expect(registeredTypes()).toContainEqual({
      kind: 'collate',
      name: 'Blend',
      declaredAt: expect.stringMatching(/support\/blend\.ts$/),
    });
  });
});

function rowsOf(tensor: HostTensor | undefined): number[][] {
  const { data, shape } = tensor ?? { data: new Uint8Array(), shape: [0] };
  const rows = shape[0] ?? 0;
  const size = data.length / rows;
  return Array.from({ length: rows }, (_, row) =>
    [...data.subarray(row * size, (row + 1) * size)].map(Number),
  );
}
