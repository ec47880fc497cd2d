/** Archives of pictures: tar shards, zip files and LMDB stores, opened and read to the end, the index over them, and lists of pictures. */

import { basename, dirname } from 'node:path';
import { ImageFolder, readArchiveIndex } from '@omma/cv';
import { memorySource, openArchive } from '@omma/storage';
import { damagedBytes } from '../bytes.ts';
import type { Dice } from '../dice.ts';
import { damagedJson, type Json } from '../json.ts';
import { damagedLmdb, lmdbOf } from '../lmdb.ts';
import { damagedTar, tarOf } from '../tar.ts';
import type { Target } from '../target.ts';
import { temporaryFile } from '../temporary.ts';
import { damagedZip, zipOf } from '../zip.ts';

const encode = (text: string) => new TextEncoder().encode(text);

const files = [
  { name: './0.jpg', bytes: encode('a picture '.repeat(100)) },
  { name: '0.cls', bytes: encode('3') },
  { name: 'folder/1.png', bytes: encode('another') },
];
const extended = [
  { name: 'pax', type: 'x', bytes: encode('16 path=ä/long\n13 size=0007\n') },
  { name: 'short', bytes: encode('another') },
  { name: '././@LongLink', type: 'L', bytes: encode(`${'deep/'.repeat(40)}a.jpg\0`) },
  { name: 'deep/a.jpg', bytes: encode('third') },
];

async function readAll(bytes: Uint8Array): Promise<void> {
  const archive = await openArchive(memorySource(bytes));
  for (const name of archive.entries.keys()) await archive.read(name);
}

const tar: Target = {
  name: 'tar',
  seeds: async () => [tarOf(files), tarOf(extended)],
  damage: (seed, dice, other) => damagedTar(seed, dice, (bytes) => damagedBytes(bytes, dice, other)),
  run: readAll,
};

const zip: Target = {
  name: 'zip',
  seeds: async () => [zipOf(files), zipOf(files.map((file) => ({ ...file, deflated: true })))],
  damage: damagedZip,
  run: readAll,
};

const lmdb: Target = {
  name: 'lmdb',
  seeds: async () => [
    lmdbOf(
      ['a/0.jpg', 'a/1.jpg', 'b/2.jpg', 'b/3.jpg'].map((key) => ({ key, value: encode(`picture ${key}`) })),
      new Uint8Array(900).fill(7),
    ),
  ],
  damage: damagedLmdb,
  run: readAll,
};

const annotations: Json = {
  metainfo: { classes: ['a', 'b'], palette: [[1, 2, 3]] },
  data_list: [
    { img_path: 'a/1.jpg', gt_label: 0 },
    { img_path: 'b/2.jpg', gt_label: 1, sample_idx: 1 },
  ],
};

const annotationFile: Target = {
  name: 'annotationFile',
  seeds: async () => [encode(JSON.stringify(annotations))],
  damage: (seed, dice: Dice) => {
    const text = encode(JSON.stringify(damagedJson(annotations, dice)));
    return dice.chance(0.9) ? text : damagedBytes(seed, dice, text);
  },
  async run(bytes) {
    const path = await temporaryFile('annotations.json', bytes);
    new ImageFolder({ root: dirname(path), split: 'train', annFile: basename(path), transforms: [] });
  },
};

const index: Json = {
  format: 'omma-archive-index',
  version: 1,
  classes: ['a', 'b'],
  archives: [
    { location: 'a.tar', size: 10240, version: '2026-01-01T00:00:00.000Z' },
    { location: 'https://host/b.zip', size: 2048, version: null },
  ],
  samples: {
    name: ['0.jpg', 'folder/1.png'],
    label: [0, 1],
    archive: [0, 1],
    offset: [512, 40],
    size: [1000, 7],
    inflatedSize: [null, 20],
    crc32: [null, 4294967295],
  },
};

const archiveIndex: Target = {
  name: 'archiveIndex',
  seeds: async () => [encode(JSON.stringify(index))],
  damage: (seed, dice: Dice) => {
    const text = encode(JSON.stringify(damagedJson(index, dice)));
    return dice.chance(0.9) ? text : damagedBytes(seed, dice, text);
  },
  async run(bytes) {
    readArchiveIndex(await temporaryFile('index.json', bytes));
  },
};

export const archiveTargets: readonly Target[] = [tar, zip, lmdb, archiveIndex, annotationFile];
