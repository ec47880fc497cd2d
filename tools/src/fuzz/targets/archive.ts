/** Archives of pictures: tar shards and zip files, opened and read to the end, and the index over them. */

import { readArchiveIndex } from '@omma/cv';
import { memorySource, openArchive } from '@omma/storage';
import { damagedBytes } from '../bytes.ts';
import type { Dice } from '../dice.ts';
import { damagedJson, type Json } from '../json.ts';
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

export const archiveTargets: readonly Target[] = [tar, zip, archiveIndex];
