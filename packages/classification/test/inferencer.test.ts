/** Predictions in a program, from nothing but a checkpoint. */

import { mkdirSync, mkdtempSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPicture } from '@omma/cv';
import { type Config, Runner } from '@omma/engine';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { tinyDataset, tinyModel } from '../../cli/test/support/tinyProject.ts';
import { ImageClassificationInferencer } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-inferencer-'));
const colours = { blue: [0, 0, 200], red: [200, 0, 0] } as const;
const picture = (name: string, i: number) => join(folder, 'data', 'train', name, `${i}.png`);
const pictures = Object.keys(colours).flatMap((name) => [0, 1, 2].map((i) => picture(name, i)));

/** A network that has seen three blue and three red pictures until it knows them. */
async function trained(): Promise<string> {
  for (const [name, [r, g, b]] of Object.entries(colours)) {
    mkdirSync(join(folder, 'data', 'train', name), { recursive: true });
    for (const i of [0, 1, 2])
      await sharp({ create: { width: 12 + i, height: 10, channels: 3, background: { r, g, b: b + i } } })
        .png()
        .toFile(picture(name, i));
  }
  const dataset = tinyDataset(join(folder, 'data'), 'train');
  const config: Config = {
    model: tinyModel,
    trainDataloader: { dataset, batchSize: 6, numWorkers: 0 },
    optimWrapper: { optimizer: { type: 'SGD', lr: 0.1 } },
    trainConfig: { maxEpochs: 8 },
    defaultHooks: { checkpoint: { interval: 8 } },
    workDir: join(folder, 'work'),
    device: 'reference',
  };
  const runner = await Runner.create(config);
  const { lastCheckpoint } = await runner.train();
  await runner.dispose();
  return lastCheckpoint ?? '';
}

const opened = trained().then((checkpoint) =>
  ImageClassificationInferencer.open(checkpoint, { device: 'reference' }),
);

describe('ImageClassificationInferencer', () => {
  it('answers for files in their order, by class, label and probability', async () => {
    const inferencer = await opened;
    expect(inferencer.classes).toEqual(['blue', 'red']);
    const guesses = await inferencer.predict(pictures);
    expect(guesses).toHaveLength(6);
    for (const each of guesses) {
      expect(each.map(({ label }) => inferencer.classes[label])).toEqual(each.map((guess) => guess.class));
      expect(each.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
      expect(each[0]?.probability).toBeGreaterThanOrEqual(each[1]?.probability ?? 1);
    }
    const [best] = await inferencer.predict([picture('red', 0)], { top: 1 });
    expect(best).toHaveLength(1);
  });

  it('takes files, their bytes and their pixels alike, and any batch size', async () => {
    const inferencer = await opened;
    const expected = await inferencer.predict(pictures);
    const bytes = await Promise.all(pictures.map(async (path) => new Uint8Array(await readFile(path))));
    const pixels = await Promise.all(pictures.map((path) => readPicture(path)));
    const seen: number[] = [];
    const onProgress = (done: number) => seen.push(done);
    expect(await inferencer.predict(bytes, { batchSize: 4, onProgress })).toEqual(expected);
    expect(seen).toEqual([4, 6]);
    expect(await inferencer.predict(pixels, { batchSize: 1 })).toEqual(expected);
    expect(await inferencer.predict([])).toEqual([]);
  });

  it('names what it cannot read, and options out of range', async () => {
    const inferencer = await opened;
    await expect(inferencer.predict([join(folder, 'none.png')])).rejects.toThrow(/none\.png cannot be read/);
    await expect(inferencer.predict([Uint8Array.of(1, 2)])).rejects.toThrow(/of these bytes/);
    const withAlpha = { width: 2, height: 2, channels: 4, data: new Uint8Array(16) };
    await expect(inferencer.predict([withAlpha])).rejects.toThrow(
      /16 bytes are no picture of 2x2 with 4 channels; expected/,
    );
    await expect(inferencer.predict([{ ...withAlpha, channels: 3 }])).rejects.toThrow(/with 3 channels/);
    await expect(inferencer.predict([], { top: 0 })).rejects.toThrow(
      /top must be a whole number, at least 1/,
    );
  });
});
