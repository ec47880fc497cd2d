/** Pictures through worker threads: the same bytes as on the main thread, from files and from the cache that the threads share. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildArchiveIndex, ImageArchive, ImageFolder } from '@omma/cv';
import { type Batch, BatchLoader } from '@omma/engine';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import './support/fade.ts';

async function folder(): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'omma-data-'));
  for (const [label, name] of ['left', 'right'].entries()) {
    mkdirSync(join(root, 'train', name), { recursive: true });
    for (let i = 0; i < 6; i++) {
      const [width, height] = i === 0 ? [400, 300] : [40 + i, 30];
      const data = Uint8Array.from(
        { length: width * height * 3 },
        (_, at) => (at * (i + 7) + label * 50) % 251,
      );
      await sharp(data, { raw: { width, height, channels: 3 } })
        .jpeg()
        .toFile(join(root, 'train', name, `${i}.jpg`));
    }
  }
  writeFileSync(join(root, 'train', 'left', 'broken.jpg'), 'no picture');
  return root;
}

it('two epochs of pictures, some large, one broken, do not depend on the number of workers', async () => {
  const root = await folder();
  const run = async (numWorkers: number) => {
    const dataset = new ImageFolder({
      root,
      split: 'train',
      transforms: [{ type: 'RandomResizedCrop', size: 24 }, { type: 'RandomFlip' }],
    });
    const loader = new BatchLoader(dataset, { batchSize: 4, training: true, seed: 5, numWorkers });
    const batches: Batch[] = [];
    for (const epoch of [0, 1]) for await (const batch of loader.epoch(epoch)) batches.push(batch);
    await loader.dispose();
    return batches;
  };
  const none = await run(0);
  expect(none).toHaveLength(6);
  expect(await run(2)).toEqual(none);
});

it('pictures in a shard are those of the folder it was packed from, in threads, and from the middle of an epoch on', async () => {
  const root = await folder();
  const shard = join(root, 'train.tar');
  expect(spawnSync('tar', ['--sort=name', '-cf', shard, '-C', join(root, 'train'), '.']).status).toBe(0);
  writeFileSync(join(root, 'train.index.json'), JSON.stringify(await buildArchiveIndex([shard])));
  const transforms = [{ type: 'RandomResizedCrop', size: 24 }] as const;
  const run = async (dataset: ImageArchive | ImageFolder, numWorkers: number, from = 0) => {
    const loader = new BatchLoader(dataset, { batchSize: 4, training: true, seed: 5, numWorkers });
    const inputs: Batch['inputs'][] = [];
    for await (const batch of loader.epoch(1, from)) inputs.push(batch.inputs);
    await loader.dispose();
    return inputs;
  };
  const archive = () => new ImageArchive({ root, index: 'train.index.json', transforms });
  const expected = await run(new ImageFolder({ root, split: 'train', transforms }), 0);
  expect(expected).toHaveLength(3);
  expect(await run(archive(), 0)).toEqual(expected);
  expect(await run(archive(), 2)).toEqual(expected);
  expect(await run(archive(), 2, 1)).toEqual(expected.slice(1));
});

it("a transform of the user's own is known in threads, and draws there what it draws here", async () => {
  const root = await folder();
  const run = async (numWorkers: number, most: number) => {
    const transforms = [
      { type: 'RandomResizedCrop', size: 24 },
      { type: 'Fade', most },
      { type: 'ColorJitter', brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 },
      { type: 'RandomErasing', mode: 'rand' },
      { type: 'Resize', size: 16 },
    ] as const;
    const dataset = new ImageFolder({ root, split: 'train', transforms });
    const loader = new BatchLoader(dataset, { batchSize: 4, training: true, seed: 5, numWorkers });
    const batches: Batch[] = [];
    for (const epoch of [0, 1]) for await (const batch of loader.epoch(epoch)) batches.push(batch);
    await loader.dispose();
    return batches;
  };
  const none = await run(0, 0.5);
  expect(none[0]?.inputs.image?.shape).toEqual([4, 16, 16, 3]);
  expect(await run(2, 0.5)).toEqual(none);
  expect(await run(0, 0)).not.toEqual(none);
});
