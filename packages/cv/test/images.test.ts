/** Decoding, transforms and drawing: what they promise about pixels, and what damaged files get. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OmmaError } from '@omma/core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { ImageLoader } from '../src/data/imageLoader.ts';
import {
  buildTransforms,
  decodePicture,
  drawLabel,
  identityPlan,
  type Picture,
  pictureSize,
  readPicture,
  readPictureFile,
  renderLarge,
  resample,
  sampleRandom,
} from '../src/index.ts';
import { planOf } from '../src/transforms/chain.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-images-'));
const noRandom = () => 0;

/** A smooth picture: red grows to the right, green downwards. */
function gradient(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set([Math.round((255 * x) / width), Math.round((255 * y) / height), 128], (y * width + x) * 3);
    }
  }
  return { width, height, channels: 3, data };
}

const encoder = ({ width, height, data }: Picture) => sharp(data, { raw: { width, height, channels: 3 } });

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? 0))), 0);
}

describe('decoding', () => {
  it('gives RGB bytes for grey, transparent and 16-bit files', async () => {
    const source = gradient(20, 10);
    const files = {
      grey: await encoder(source).greyscale().png().toBuffer(),
      alpha: await encoder(source).ensureAlpha(0.5).png().toBuffer(),
      deep: await encoder(source).toColourspace('rgb16').png().toBuffer(),
    };
    for (const [name, bytes] of Object.entries(files)) {
      const picture = await decodePicture(bytes, name);
      expect([name, picture.width, picture.height, picture.channels, picture.data.length]).toEqual([
        name,
        20,
        10,
        3,
        600,
      ]);
    }
    const { data } = await decodePicture(files.alpha, 'alpha');
    expect(largestDifference(data, source.data)).toBeLessThanOrEqual(1);
  });

  it('turns a picture upright as its EXIF data say', async () => {
    const bytes = await encoder(gradient(30, 10)).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(await pictureSize(bytes, 'turned')).toEqual({ width: 10, height: 30 });
    const picture = await decodePicture(bytes, 'turned');
    expect([picture.width, picture.height]).toEqual([10, 30]);
  });

  it('refuses a truncated JPEG, and names it', async () => {
    const whole = await encoder(gradient(200, 200)).jpeg().toBuffer();
    const path = join(folder, 'truncated.jpg');
    writeFileSync(path, whole.subarray(0, whole.length / 2));
    await expect(readPicture(path)).rejects.toThrow(OmmaError);
    await expect(readPicture(path)).rejects.toThrow(/truncated\.jpg cannot be decoded/);
  });

  it('refuses what is no picture, an empty file and a missing file, in one line', async () => {
    const text = join(folder, 'text.jpg');
    writeFileSync(text, 'not a picture');
    await expect(readPicture(text)).rejects.toThrow(
      /text\.jpg cannot be decoded: its content is not a known picture format/,
    );
    const empty = join(folder, 'empty.png');
    writeFileSync(empty, '');
    await expect(readPicture(empty)).rejects.toThrow(/empty\.png cannot be decoded/);
    await expect(readPicture(join(folder, 'none.png'))).rejects.toThrow(/none\.png cannot be read: ENOENT/);
  });

  it('refuses a small file that claims a hundred million pixels', async () => {
    const bomb = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="20000" height="20000"/>');
    await expect(decodePicture(bomb, 'bomb')).rejects.toThrow(
      /bomb cannot be decoded: it has more than 100000000 pixels/,
    );
  });
});

describe('resampling', () => {
  const source = gradient(60, 40);

  it('copies when nothing is asked', () => {
    expect(resample(source, identityPlan(60, 40))).toEqual(source.data);
  });

  it('mirrors', () => {
    const mirrored = resample(source, { ...identityPlan(60, 40), flip: true });
    expect(mirrored.slice(0, 3)).toEqual(source.data.slice(59 * 3, 60 * 3));
    const twice = resample({ ...source, data: mirrored }, { ...identityPlan(60, 40), flip: true });
    expect(twice).toEqual(source.data);
  });

  it('agrees with libvips when it shrinks and when it enlarges', async () => {
    for (const [width, height] of [
      [24, 16],
      [37, 21],
      [120, 90],
    ] as const) {
      const ours = resample(source, { ...identityPlan(60, 40), width, height });
      const theirs = await encoder(source)
        .resize(width, height, { fit: 'fill', kernel: 'linear' })
        .raw()
        .toBuffer();
      expect(largestDifference(ours, theirs)).toBeLessThanOrEqual(4);
    }
  });

  it('fills with black beyond the border', () => {
    const white = { width: 4, height: 4, channels: 1, data: new Uint8Array(16).fill(255) };
    const plan = { region: { left: -1, top: 0, width: 4, height: 4 }, width: 4, height: 4, flip: false };
    expect([...resample(white, plan).slice(0, 4)]).toEqual([0, 255, 255, 255]);
    expect([...resample(white, { ...plan, flip: true }).slice(0, 4)]).toEqual([255, 255, 255, 0]);
  });

  it('handles pictures smaller than its filter', () => {
    const dot = { width: 1, height: 1, channels: 3, data: Uint8Array.of(10, 20, 30) };
    expect([...resample(dot, { ...identityPlan(1, 1), width: 2, height: 1 })]).toEqual([
      10, 20, 30, 10, 20, 30,
    ]);
  });
});

describe('large pictures', () => {
  const source = gradient(800, 600);

  it('go through one libvips pipeline that agrees with resampling the decoded picture', async () => {
    const bytes = await encoder(source).png().toBuffer();
    const plans = [
      { region: { left: 100, top: 50, width: 500, height: 400 }, width: 112, height: 96, flip: false },
      { region: { left: 100, top: 50, width: 500, height: 400 }, width: 112, height: 96, flip: true },
      { region: { left: 300, top: 200, width: 50, height: 40 }, width: 100, height: 80, flip: false },
      { region: { left: -100, top: -100, width: 1000, height: 800 }, width: 100, height: 80, flip: true },
    ];
    for (const plan of plans) {
      const fused = await renderLarge(bytes, source, plan, 'large.png');
      expect(largestDifference(fused, resample(source, plan))).toBeLessThanOrEqual(6);
    }
  });

  it('are loaded as samples', async () => {
    const path = join(folder, 'large.png');
    writeFileSync(path, await encoder(source).png().toBuffer());
    const loader = new ImageLoader(buildTransforms([]));
    const { shape, data } = await loader.load(0, { name: path, read: () => readPictureFile(path) }, noRandom);
    expect(shape).toEqual([600, 800, 3]);
    expect(largestDifference(Uint8Array.from(data), source.data)).toBeLessThanOrEqual(1);
  });

  it('name the file when it is damaged', async () => {
    const bytes = (await encoder(source).jpeg().toBuffer()).subarray(0, 4000);
    await expect(renderLarge(bytes, source, identityPlan(800, 600), 'large.jpg')).rejects.toThrow(
      /large\.jpg cannot be decoded/,
    );
  });
});

describe('transforms', () => {
  const chain = buildTransforms([
    { type: 'RandomResizedCrop', size: 112 },
    { type: 'RandomFlip', probability: 0.5 },
  ]);

  it('depend on seed, epoch and sample, and on nothing else', () => {
    const plan = (seed: number, epoch: number, index: number) =>
      planOf(chain[0], { width: 200, height: 150 }, sampleRandom(seed, epoch, index));
    expect(plan(1, 2, 3)).toEqual(plan(1, 2, 3));
    const others = [plan(2, 2, 3), plan(1, 3, 3), plan(1, 2, 4)];
    for (const other of others) expect(other).not.toEqual(plan(1, 2, 3));
  });

  it('crop parts of the asked area and ratio, inside the picture', () => {
    for (let index = 0; index < 200; index++) {
      const { region, width, height } = planOf(
        chain[0],
        { width: 200, height: 150 },
        sampleRandom(0, 0, index),
      );
      expect([width, height]).toEqual([112, 112]);
      expect(region.left).toBeGreaterThanOrEqual(0);
      expect(region.left + region.width).toBeLessThanOrEqual(200);
      expect(region.top + region.height).toBeLessThanOrEqual(150);
      const ratio = region.width / region.height;
      expect(ratio).toBeGreaterThan(0.7);
      expect(ratio).toBeLessThan(1.4);
    }
  });

  it('flip half of the samples', () => {
    const flips = Array.from(
      { length: 1000 },
      (_, i) => planOf(chain[0], { width: 64, height: 64 }, sampleRandom(7, 1, i)).flip,
    );
    const share = flips.filter(Boolean).length / flips.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.06);
  });

  it('resize the shorter side and take the middle', () => {
    const [stage] = buildTransforms([
      { type: 'Resize', size: 128 },
      { type: 'CenterCrop', size: 112 },
    ]);
    const plan = planOf(stage, { width: 256, height: 512 }, noRandom);
    expect(plan).toEqual({
      region: { left: 16, top: 144, width: 224, height: 224 },
      width: 112,
      height: 112,
      flip: false,
    });
  });

  it('crop at random after padding', () => {
    const [stage] = buildTransforms([{ type: 'RandomCrop', size: 32, padding: 4 }]);
    const plan = planOf(stage, { width: 32, height: 32 }, noRandom);
    expect(plan.region).toEqual({ left: -4, top: -4, width: 32, height: 32 });
  });

  it('crop what a mirrored plan shows', () => {
    const [stage] = buildTransforms([
      { type: 'RandomFlip', probability: 1 },
      { type: 'RandomCrop', size: 4 },
    ]);
    const cropped = planOf(stage, { width: 10, height: 10 }, noRandom);
    expect(cropped.region).toEqual({ left: 6, top: 0, width: 4, height: 4 });
  });

  it('refuse a size that is no whole number', () => {
    expect(() => buildTransforms([{ type: 'CenterCrop', size: 0.5 }])).toThrow(
      /transform CenterCrop: size: Invalid input: expected int/,
    );
  });
});

describe('labels', () => {
  it('are drawn on the picture, whatever characters they hold', async () => {
    const path = join(folder, 'labelled.png');
    await encoder(gradient(120, 90)).png().toFile(path);
    const bytes = await drawLabel(path, 'a <b> & "c" 99 %\u0000');
    const picture = await decodePicture(bytes, 'labelled');
    expect([picture.width, picture.height]).toEqual([120, 90]);
    expect(largestDifference(picture.data, gradient(120, 90).data)).toBeGreaterThan(40);
  });
});
