/** Data sets on disk: labels, order, reproducible samples, and one clear line for every way a folder can be wrong. */

import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { OmmaError } from '@omma/core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  CIFAR10,
  CIFAR100,
  IdxDataset,
  ImageFolder,
  type ImageFolderOptions,
  type TransformOptions,
} from '../src/index.ts';

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

describe('ImageFolder with an annotation file', () => {
  it('reads the pictures that it lists, with their labels, from the folder of the split or another', async () => {
    const root = await classFolders(['train']);
    writeFileSync(join(root, 'train.txt'), 'red/0.png 2\n\nblue/1.png 0\r\n');
    const data = open(root, { annFile: 'train.txt' });
    expect([data.length, data.classes, data.labelOf(0), data.labelOf(1)]).toEqual([2, ['0', '1', '2'], 2, 0]);
    expect([...(await data.load(0, context)).tensors.image.data.slice(0, 3)]).toEqual([255, 0, 0]);
    writeFileSync(join(root, 'own.txt'), 'my picture.png 1');
    await writePicture(join(root, 'my picture.png'), '#0000ff');
    const own = open(root, { annFile: 'own.txt', dataPrefix: '', classes: ['a', 'b'] });
    expect([own.nameOf(0), own.problemOf(0)]).toEqual([join(root, 'my picture.png'), null]);
  });

  it("may be OpenMMLab 2.0's JSON, which names its classes", async () => {
    const root = await classFolders(['train']);
    const file = (value: unknown) => {
      writeFileSync(join(root, 'train.json'), typeof value === 'string' ? value : JSON.stringify(value));
      return () => open(root, { annFile: 'train.json' });
    };
    const list = [
      { img_path: 'red/0.png', gt_label: 1, sample_idx: 0 },
      { img_path: 'blue/1.png', gt_label: 0 },
    ];
    const metainfo = { classes: ['cold', 'warm'], palette: [] };
    const data = file({ metainfo, data_list: list })();
    expect([data.length, data.classes, data.labelOf(0), data.problemOf(1)]).toEqual([
      2,
      ['cold', 'warm'],
      1,
      null,
    ]);
    expect(file({ data_list: list })().classes).toEqual(['0', '1']);
    expect(open(root, { annFile: 'train.json', classes: ['a', 'b'] }).classes).toEqual(['a', 'b']);
    expect(file('[')).toThrow(/train\.json is no JSON; expected \{ "metainfo"/);
    expect(file({ data_list: [{ img_path: 'a.png', gt_label: [0, 1] }] })).toThrow(
      /no annotation file for classification: data_list\.0\.gt_label/,
    );
    expect(file({ images: [], annotations: [] })).toThrow(/no annotation file for classification: data_list/);
    expect(file({ metainfo: { classes: ['one'] }, data_list: list })).toThrow(
      /train\.json: data_list\.0: label 1 is not below the 1 classes/,
    );
  });

  it('names the line that is wrong, and the file that is missing or empty', () => {
    const root = newFolder();
    const file = (text: string) => {
      writeFileSync(join(root, 'a.txt'), text);
      return () => open(root, { annFile: 'a.txt', classes: ['a', 'b'] });
    };
    expect(file('x.png 0\ny.png')).toThrow(/a\.txt:2: expected a path and a label, .* found: y\.png/);
    expect(file('x.png 2')).toThrow(/a\.txt:1: label 2 is not below the 2 classes/);
    // Where classes have no names there are as many as the largest label says.
    file('x.png 999999999');
    expect(() => open(root, { annFile: 'a.txt' })).toThrow(/a\.txt:1: label 999999999 is not below 1048576/);
    expect(file('')).toThrow(/a\.txt lists no pictures/);
    expect(() => open(root, { annFile: 'none.txt' })).toThrow(/none\.txt cannot be read: ENOENT/);
  });
});

describe('the aspect ratio of a picture', () => {
  it('comes from the header, turned upright, and is 1 where that cannot be read', async () => {
    const root = newFolder();
    mkdirSync(join(root, 'train', 'a'), { recursive: true });
    const wide = () => sharp({ create: { width: 40, height: 20, channels: 3, background: 'red' } });
    await wide()
      .png()
      .toFile(join(root, 'train', 'a', '0.png'));
    await wide()
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toFile(join(root, 'train', 'a', '1.jpg'));
    writeFileSync(join(root, 'train', 'a', '2.jpg'), 'broken');
    const data = open(root);
    expect([0, 1, 2].map((i) => data.aspectRatioOf(i))).toEqual([2, 0.5, 1]);
  });
});

describe('CIFAR10 and CIFAR100', () => {
  /** A record whose red, green and blue planes are filled with the numbers after its labels. */
  const record = (labels: number[], planes: number[]) =>
    Buffer.concat([Buffer.from(labels), ...planes.map((value) => Buffer.alloc(1024, value))]);

  it('read binary files, channels last, CIFAR-100 by its fine labels', async () => {
    const root = newFolder();
    const ten = join(root, 'cifar-10-batches-bin');
    mkdirSync(ten);
    writeFileSync(join(ten, 'batches.meta.txt'), 'airplane\nautomobile\n\n');
    for (let i = 1; i <= 5; i++)
      writeFileSync(join(ten, `data_batch_${i}.bin`), record([i % 2], [i, 10 + i, 20 + i]));
    writeFileSync(join(root, 'fine_label_names.txt'), 'apple\nbaby\nbear\n');
    writeFileSync(join(root, 'test.bin'), record([9, 2], [1, 2, 3]));
    const data = new CIFAR10({ root, split: 'train' });
    expect([data.length, data.classes, data.labelOf(2)]).toEqual([5, ['airplane', 'automobile'], 1]);
    const { image } = (await data.load(3, context)).tensors;
    expect([image.shape, [...image.data.slice(0, 6)]]).toEqual([
      [32, 32, 3],
      [4, 14, 24, 4, 14, 24],
    ]);
    const hundred = new CIFAR100({ root, split: 'val' });
    expect([hundred.length, hundred.labelOf(0), hundred.classes[2]]).toEqual([1, 2, 'bear']);
    expect(() => new CIFAR10({ root, split: 'val' })).toThrow(
      /test_batch\.bin cannot be read .*binary version/,
    );
    writeFileSync(join(ten, 'test_batch.bin'), record([2], [0, 0, 0]));
    expect(() => new CIFAR10({ root, split: 'val' })).toThrow(
      /label 2 at 0 of .* is not below the 2 classes/,
    );
    writeFileSync(join(ten, 'test_batch.bin'), Buffer.alloc(3000));
    expect(() => new CIFAR10({ root, split: 'val' })).toThrow(/has 3000 bytes, expected records of 3073/);
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
