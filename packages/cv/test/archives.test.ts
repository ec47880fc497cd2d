/** Labelled pictures in tar shards and zip archives: indexed once, then the same samples from disk and HTTP, in any order, in worker threads too. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { openArchive, openByteSource, ZipArchive } from '@omma/storage';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { zipOf } from '../../../tools/src/fuzz/zip.ts';
import { webServer } from '../../storage/test/support/webServer.ts';
import { buildArchiveIndex, expandShards, ImageArchive } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-archives-'));
const context = { seed: 1, epoch: 0 };
const colours = ['#ff0000', '#00ff00', '#0000ff', '#ffffff'];
const pictures: Buffer[] = [];
let address = '';

/** A tar archive of the given files, in their order. */
function tar(path: string, files: Readonly<Record<string, Uint8Array | string>>): string {
  const from = mkdtempSync(join(folder, 'files-'));
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(join(from, name, '..'), { recursive: true });
    writeFileSync(join(from, name), bytes);
  }
  expect(spawnSync('tar', ['-cf', path, '-C', from, ...Object.keys(files)]).status).toBe(0);
  return path;
}

/** A zip archive of the given files; those called `deflated` are. */
function zip(path: string, files: Readonly<Record<string, Uint8Array>>): string {
  const members = Object.entries(files).map(([name, bytes]) => ({
    name,
    bytes,
    deflated: name.includes('deflated'),
  }));
  writeFileSync(path, zipOf(members));
  return path;
}

async function indexed(name: string, locations: readonly string[], options = {}): Promise<string> {
  const index = await buildArchiveIndex(locations, options);
  writeFileSync(join(folder, name), JSON.stringify(index));
  return name;
}

const open = (index: string, more = {}) => new ImageArchive({ root: folder, index, transforms: [], ...more });
const firstPixel = async (data: ImageArchive, index: number) => [
  ...(await data.load(index, context)).tensors.image.data.slice(0, 3),
];

beforeAll(async () => {
  for (const background of colours) {
    pictures.push(
      await sharp({ create: { width: 8, height: 6, channels: 3, background } })
        .png()
        .toBuffer(),
    );
  }
  const [red = '', green = '', blue = '', white = ''] = pictures;
  tar(join(folder, 'a-000.tar'), { 'x.0.png': red, 'x.cls': '1', 'y.png': green, 'y.cls': '0\n' });
  tar(join(folder, 'a-001.tar'), {
    'z.png': blue,
    'z.json': '{}',
    'z.cls': '1',
    'w.PNG': white,
    'w.cls': '2',
  });
  ({ address } = await webServer((path) => {
    const file = join(folder, basename(path));
    return { bytes: readFileSync(file), etag: `"${statSync(file).mtimeMs}"` };
  }));
});

describe('ImageArchive over tar shards', () => {
  it('pairs pictures with the labels of their keys, from disk and behind HTTP', async () => {
    for (const [name, at] of [
      ['disk.json', folder],
      ['web.json', address],
    ] as const) {
      const data = open(await indexed(name, expandShards([`${at}/a-{000..001}.tar`])));
      expect([data.length, data.classes]).toEqual([4, ['0', '1', '2']]);
      expect([0, 1, 2, 3].map((i) => data.labelOf(i))).toEqual([1, 0, 1, 2]);
      expect(await firstPixel(data, 2)).toEqual([0, 0, 255]);
      expect(await firstPixel(data, 0)).toEqual([255, 0, 0]);
      expect(data.nameOf(3)).toBe(`${at}/a-001.tar/w.PNG`);
      expect(data.problemOf(3)).toBeNull();
    }
  });

  it('refuses a shard that has changed since it was indexed: on disk at once, behind HTTP when it is read', async () => {
    const shard = tar(join(folder, 'changing.tar'), { 'x.png': pictures[0] ?? '', 'x.cls': '0' });
    const local = await indexed('changing.json', [shard]);
    const remote = open(await indexed('changing-web.json', [`${address}/changing.tar`]));
    expect(open(local).length).toBe(1);
    utimesSync(shard, 1, 1);
    expect(() => open(local)).toThrow(
      /changing\.tar has changed since .*changing\.json was written .*run `omma data index` again/,
    );
    await expect(remote.load(0, context)).rejects.toThrow(/changing\.tar has changed since/);
  });

  it('names the picture without a label, the label that is no number, the label without a class', async () => {
    const picture = pictures[0] ?? '';
    const bad = (files: Record<string, Uint8Array | string>, options = {}) =>
      buildArchiveIndex([tar(join(folder, 'bad.tar'), files)], options);
    await expect(bad({ 'x.png': picture, 'x.cls': '0', 'y.png': picture })).rejects.toThrow(
      /y\.png has no \.cls file/,
    );
    await expect(bad({ 'x.png': picture, 'x.cls': 'cat' })).rejects.toThrow(
      /x\.cls holds "cat", expected a label/,
    );
    await expect(bad({ 'x.png': picture, 'x.cls': '' })).rejects.toThrow(/x\.cls holds "", expected a label/);
    // A label file without a key is no label file.
    expect((await bad({ 'a/x.png': picture, 'a/.cls': '7', '.cls': '7' })).samples.label).toEqual([0]);
    await expect(bad({ 'x.png': picture, 'x.cls': '2' }, { classes: ['a', 'b'] })).rejects.toThrow(
      /x\.png has the label 2, which is none of the 2 classes/,
    );
    await expect(bad({ 'x.png': picture })).rejects.toThrow(
      /has neither a file with its label \(x\.cls\) nor a folder/,
    );
    await expect(bad({ 'x.txt': 'a' })).rejects.toThrow(/bad\.tar has no pictures/);
  });

  it('takes the pictures that a list names, in its order, from whichever shard has them', async () => {
    const list = join(folder, 'list.txt');
    writeFileSync(list, 'w.PNG 4\nx.0.png 1\n');
    const shards = expandShards([`${join(folder, 'a-')}{000..001}.tar`]);
    const { samples } = await buildArchiveIndex(shards, { annFile: list });
    expect([samples.name, samples.label, samples.archive]).toEqual([
      ['w.PNG', 'x.0.png'],
      [4, 1],
      [1, 0],
    ]);
    writeFileSync(list, 'w.PNG 4\nnone.png 1\n');
    await expect(buildArchiveIndex(shards, { annFile: list })).rejects.toThrow(
      /list\.txt lists none\.png, but none of 2 archives has none\.png/,
    );
    writeFileSync(list, 'w.PNG 4\nw.PNG 1\n');
    await expect(buildArchiveIndex(shards, { annFile: list })).rejects.toThrow(/lists w\.PNG twice/);
  });

  it('refuses an index that is missing, none, or damaged', async () => {
    expect(() => open('none.json')).toThrow(/none\.json cannot be read: ENOENT/);
    writeFileSync(join(folder, 'text.json'), 'x');
    expect(() => open('text.json')).toThrow(
      /text\.json is no archive index: it is no JSON; `omma data index/,
    );
    const name = await indexed('whole.json', [join(folder, 'a-000.tar')]);
    const index = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const damaged = (samples: object) => {
      writeFileSync(
        join(folder, 'damaged.json'),
        JSON.stringify({ ...index, samples: { ...index.samples, ...samples } }),
      );
      return () => open('damaged.json');
    };
    expect(damaged({ label: [1] })).toThrow(/2 names but 1 values of label/);
    expect(damaged({ label: [0, 2 ** 40] })).toThrow(/is no archive index: samples\.label\.1/);
    expect(damaged({ archive: [0, 7] })).toThrow(/an archive that is not listed/);
    expect(damaged({ offset: [0, 1e9] })).toThrow(/y\.png lies beyond the end of its archive/);
    expect(() => open(name, { classes: ['only'] })).toThrow(/labels up to 1, but there are 1 classes/);
  });
});

describe('ImageArchive over zip archives', () => {
  it('takes classes from folders, below a prefix, stored or deflated', async () => {
    const [red = Buffer.of(), green = Buffer.of(), blue = Buffer.of()] = pictures;
    const path = zip(join(folder, 'folders.zip'), {
      'train/b/0.png': red,
      'train/a/deflated.png': green,
      'val/a/1.png': blue,
    });
    const data = open(await indexed('zip.json', [path], { prefix: 'train' }));
    expect([data.classes, data.length, data.labelOf(0)]).toEqual([['a', 'b'], 2, 1]);
    expect(await firstPixel(data, 0)).toEqual([255, 0, 0]);
    expect(await firstPixel(data, 1)).toEqual([0, 255, 0]);
  });

  it('holds every file against its checksum, and refuses what is no archive', async () => {
    const path = zip(join(folder, 'damaged.zip'), { 'a/0.png': pictures[0] ?? Buffer.of() });
    const source = await openByteSource(path);
    const archive = await openArchive(source);
    expect(archive).toBeInstanceOf(ZipArchive);
    const bytes = readFileSync(path);
    bytes[60] = 255 - (bytes[60] ?? 0);
    writeFileSync(path, bytes);
    await expect(archive.read('a/0.png')).rejects.toThrow(/a\/0\.png is damaged/);
    writeFileSync(path, bytes.subarray(0, 100));
    await source.close();
    const cut = await openByteSource(path);
    await expect(openArchive(cut)).rejects.toThrow(/damaged\.zip is no zip archive, or damaged/);
    await cut.close();
  });
});
