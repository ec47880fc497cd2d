/** Data sets on disk: labels, order, reproducible samples, and one clear line for every way a folder can be wrong. */

import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { OmmaError } from '@omma/core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { IdxDataset, ImageFolder, type ImageFolderOptions, type TransformOptions } from '../src/index.ts';

const context = { seed: 1, epoch: 0 };
const augment: readonly TransformOptions[] = [
  { type: 'RandomResizedCrop', size: 16 },
  { type: 'RandomFlip' },
];

const newFolder = () => mkdtempSync(join(tmpdir(), 'omma-data-'));

async function writePicture(path: string, colour: string, side = 24): Promise<void> {
  await sharp({ create: { width: side, height: side, channels: 3, background: colour } })
    .png()
    .toFile(path);
}

/** A folder with two classes of `count` pictures in every given sub-folder. */
async function classFolders(parts: readonly string[], count = 3): Promise<string> {
  const root = newFolder();
  for (const part of parts) {
    for (const [name, colour] of [
      ['blue', '#0000ff'],
      ['red', '#ff0000'],
    ] as const) {
      mkdirSync(join(root, part, name), { recursive: true });
      for (let i = 0; i < count; i++) await writePicture(join(root, part, name, `${i}.png`), colour);
    }
  }
  return root;
}

const open = (root: string, more: Partial<ImageFolderOptions> = {}) =>
  new ImageFolder({ root, split: 'train', transforms: augment, ...more });

describe('ImageFolder', () => {
  it('takes its classes from the folders, in the order of their names', async () => {
    const data = open(await classFolders(['train', 'val']));
    expect(data.classes).toEqual(['blue', 'red']);
    expect(data.length).toBe(6);
    expect([0, 5].map((i) => data.labelOf(i))).toEqual([0, 1]);
    const { tensors } = await data.load(5, context);
    expect([tensors.image.shape, tensors.image.dtype]).toEqual([[16, 16, 3], 'uint8']);
    expect([...tensors.image.data.slice(0, 3)]).toEqual([255, 0, 0]);
    expect(tensors.label.data).toEqual(Int32Array.of(1));
  });

  it('gives the same sample with and without its cache, in any order', async () => {
    const root = newFolder();
    mkdirSync(join(root, 'train', 'noise'), { recursive: true });
    const noise = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 7919) % 251);
    for (const name of ['a', 'b', 'c']) {
      await sharp(noise, { raw: { width: 40, height: 30, channels: 3 } })
        .png()
        .toFile(join(root, 'train', 'noise', `${name}.png`));
    }
    const cached = open(root);
    const plain = open(root, { cacheBytes: 0 });
    const first = await cached.load(1, context);
    await plain.load(2, context);
    expect(await cached.load(1, context)).toEqual(first);
    expect(await plain.load(1, context)).toEqual(first);
    expect((await plain.load(1, { seed: 1, epoch: 1 })).tensors.image.data).not.toEqual(
      first.tensors.image.data,
    );
  });

  it('divides a folder without train and val by file name, always in the same way', async () => {
    const root = await classFolders([''], 40);
    const [train, val] = [open(root), open(root, { split: 'val' })];
    expect(train.length + val.length).toBe(80);
    expect(val.length).toBeGreaterThan(4);
    expect(val.length).toBeLessThan(40);
    const names = (data: ImageFolder) => Array.from({ length: data.length }, (_, i) => data.nameOf(i));
    expect(names(val).filter((name) => names(train).includes(name))).toEqual([]);
  });

  it('names the folder that is missing, empty or a file', () => {
    expect(() => open('/nowhere/at/all')).toThrow(/folder \/nowhere\/at\/all does not exist/);
    const root = newFolder();
    expect(() => open(root)).toThrow(
      new RegExp(`${root} has no folders in it; expected one folder of images a class`),
    );
    writeFileSync(join(root, 'file'), '');
    expect(() => open(join(root, 'file'))).toThrow(/is a file, expected a folder/);
  });

  it('passes over links that lead to no folder, and misses a train folder beside val', async () => {
    const root = await classFolders(['train']);
    symlinkSync('/nowhere/at/all', join(root, 'train', 'broken'));
    writeFileSync(join(root, 'notes.txt'), '');
    symlinkSync('../notes.txt', join(root, 'train', 'file'));
    expect(open(root).classes).not.toContain('broken');
    const held = await classFolders(['val']);
    expect(() => open(held)).toThrow(/has a folder val but none called train; add it/);
  });

  it('names the class that has no images', async () => {
    const root = await classFolders(['train']);
    mkdirSync(join(root, 'train', 'green'));
    writeFileSync(join(root, 'train', 'green', 'notes.txt'), 'no picture');
    expect(() => open(root)).toThrow(/class green has no images in/);
    expect(() => open(root)).toThrow(OmmaError);
  });

  it('refuses a val folder with other classes than train', async () => {
    const root = await classFolders(['train', 'val']);
    mkdirSync(join(root, 'val', 'green'));
    expect(() => open(root, { split: 'val' })).toThrow(
      /has the unexpected folders green; expected blue, red/,
    );
  });

  it('names a corrupt picture when it is loaded, and only then', async () => {
    const root = await classFolders(['train']);
    writeFileSync(join(root, 'train', 'red', '9.jpg'), 'broken');
    const data = open(root);
    await expect(data.load(6, context)).rejects.toThrow(/red\/9\.jpg cannot be decoded/);
    await expect(data.load(5, context)).resolves.toBeDefined();
  });
});

describe('IdxDataset', () => {
  const header = (...words: number[]) => {
    const bytes = Buffer.alloc(words.length * 4);
    for (const [i, word] of words.entries()) bytes.writeUInt32BE(word, i * 4);
    return bytes;
  };
  const images = (count = 2) =>
    Buffer.concat([header(0x803, count, 3, 2), Buffer.from(Array.from({ length: count * 6 }, (_, i) => i))]);
  const labels = (...values: number[]) => Buffer.concat([header(0x801, values.length), Buffer.from(values)]);
  const folderWith = (imageBytes: Buffer, labelBytes: Buffer) => {
    const root = newFolder();
    writeFileSync(join(root, 'train-images-idx3-ubyte.gz'), gzipSync(imageBytes));
    writeFileSync(join(root, 'train-labels-idx1-ubyte'), labelBytes);
    return root;
  };

  it('reads images and labels, gzipped or not', async () => {
    const data = new IdxDataset({ root: folderWith(images(), labels(7, 2)), split: 'train' });
    expect(data.length).toBe(2);
    const { image, label } = (await data.load(1, context)).tensors;
    expect([image.shape, [...image.data], [...label.data]]).toEqual([[3, 2, 1], [6, 7, 8, 9, 10, 11], [2]]);
  });

  it('refuses wrong magic, wrong sizes, wrong counts, wrong labels and missing files', () => {
    const fails = (root: string) => () => new IdxDataset({ root, split: 'train' });
    expect(fails(folderWith(labels(1, 2), labels(1, 2)))).toThrow(
      /expected the magic number 2051 .*, found 2049/,
    );
    expect(fails(folderWith(images().subarray(0, 20), labels(1, 2)))).toThrow(
      /expected 12 bytes of data for \[2, 3, 2\], found 4/,
    );
    expect(fails(folderWith(images(3), labels(1, 2)))).toThrow(/has 3 images but .* has 2 labels/);
    expect(fails(folderWith(images(), labels(1, 12)))).toThrow(
      /label 12 at 1 of .* is not below the 10 classes/,
    );
    expect(fails(newFolder())).toThrow(/has neither train-images-idx3-ubyte\.gz nor train-images-idx3-ubyte/);
  });
});
