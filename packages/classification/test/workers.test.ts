/** Pictures through worker threads: the same bytes as on the main thread, from files and from the cache that the threads share. */

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageFolder } from '@omma/cv';
import { type Batch, BatchLoader } from '@omma/engine';
import sharp from 'sharp';
import { expect, it } from 'vitest';

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
