/** LMDB stores, written by liblmdb itself: every value where it is, labels by a list, and one line for what is no such store. */

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Archive, memorySource, openArchive, openByteSource } from '@omma/storage';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { webServer } from '../../storage/test/support/webServer.ts';
import { buildArchiveIndex, ImageArchive } from '../src/index.ts';
import { type StoreStep, storeWriter } from './support/lmdbStore.ts';

const writer = storeWriter();
const folder = mkdtempSync(join(tmpdir(), 'omma-lmdb-'));
const context = { seed: 1, epoch: 0 };
const pictures: Buffer[] = [];

beforeAll(async () => {
  for (const background of ['#ff0000', '#00ff00', '#0000ff']) {
    pictures.push(
      await sharp({ create: { width: 8, height: 6, channels: 3, background } })
        .png()
        .toBuffer(),
    );
  }
});

/** A new store of these steps; the path of its folder. */
function store(name: string, steps: readonly StoreStep[], options = {}): string {
  const path = join(folder, name);
  mkdirSync(path);
  writer?.write(path, steps, options);
  return path;
}

const fileOf = (path: string) => readFileSync(join(path, 'data.mdb'));

async function valuesOf(archive: Archive): Promise<Map<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>();
  for (const name of archive.entries.keys()) values.set(name, await archive.read(name));
  return values;
}

describe.skipIf(writer === null)('an LMDB store (needs liblmdb: apt-get install liblmdb0)', () => {
  it('gives every value, large or small, as the last transaction left them', async () => {
    // Enough for three levels of pages; each tenth value has pages of its own, some are overwritten, some deleted.
    const bytes = (i: number, salt: number) =>
      new Uint8Array(i % 10 === 0 ? 5000 + i : i % 40).fill(i + salt);
    const key = (i: number) => `class${i % 7}/picture-${String(i).padStart(200, '0')}`;
    const numbers = Array.from({ length: 3000 }, (_, i) => i);
    const steps = [
      ...numbers.map((i) => ({ key: key(i), value: bytes(i, 0) })),
      ...numbers.filter((i) => i % 5 === 0).map((i) => ({ key: key(i), value: bytes(i, 1) })),
      ...numbers.filter((i) => i % 3 === 0).map((i) => ({ key: key(i), value: null })),
    ];
    const archive = await openArchive(memorySource(fileOf(store('large', steps))));
    const expected = numbers
      .filter((i) => i % 3 !== 0)
      .map((i) => [key(i), bytes(i, i % 5 === 0 ? 1 : 0)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    const found = await valuesOf(archive);
    expect([...found.keys()]).toEqual(expected.map(([name]) => name));
    expect(
      expected.filter(([name, value]) => !Buffer.from(value).equals(found.get(name) ?? Buffer.from('none'))),
    ).toEqual([]);
  });

  it('is indexed with a list of keys and labels, and read as shards are: from disk and behind HTTP', async () => {
    const [red = null, green = null, blue = null] = pictures;
    const path = store('flowers', [
      { key: '000', value: red },
      { key: '001', value: green },
      { key: '002', value: blue },
      { key: '__len__', value: Buffer.from('3') },
    ]);
    const list = join(folder, 'train.txt');
    writeFileSync(list, '002 1\n000 0\n');
    const web = await webServer(() => ({ bytes: fileOf(path) }));
    const address = `${web.address}/data.mdb`;
    for (const location of [path, address]) {
      const index = await buildArchiveIndex([location], { annFile: list });
      writeFileSync(join(folder, 'index.json'), JSON.stringify(index));
      const data = new ImageArchive({ root: folder, index: 'index.json', transforms: [] });
      expect([data.length, data.labelOf(0), data.labelOf(1)]).toEqual([2, 1, 0]);
      const { image } = (await data.load(0, context)).tensors;
      expect([...image.data.slice(0, 3)]).toEqual([0, 0, 255]);
    }
    writeFileSync(list, '000 0\n7 1\n');
    await expect(buildArchiveIndex([path], { annFile: list })).rejects.toThrow(
      /train\.txt lists 7, but .*flowers has 7; mend the list|train\.txt lists 7, but .*has 7/,
    );
    await expect(buildArchiveIndex([path])).rejects.toThrow(/has no pictures; .*--ann-file/);
  });

  it('whose keys are paths needs no list: folders are classes', async () => {
    const [red = null, green = null] = pictures;
    const path = store('paths', [
      { key: 'train/b/0.png', value: red },
      { key: 'train/a/0.png', value: green },
    ]);
    const index = await buildArchiveIndex([path], { prefix: 'train' });
    expect([index.classes, index.samples.name, index.samples.label]).toEqual([
      ['a', 'b'],
      ['train/a/0.png', 'train/b/0.png'],
      [0, 1],
    ]);
  });

  it('that is empty, cut off, damaged or of another format is told in one line', async () => {
    const steps = Array.from({ length: 400 }, (_, i) => ({ key: `key${i}`, value: Buffer.alloc(300, i) }));
    const whole = fileOf(store('whole', steps));
    const opened = (bytes: Uint8Array) => openArchive(memorySource(bytes, 'data.mdb'));
    expect((await opened(fileOf(store('empty', [])))).entries.size).toBe(0);
    // A database inside of the main one is not its value.
    const named = fileOf(store('named', steps.slice(0, 1), { database: 'inner' }));
    expect((await opened(named)).entries.size).toBe(0);
    await expect(opened(whole.subarray(0, -4096))).rejects.toThrow(
      /data\.mdb is cut off: its pages reach to/,
    );
    const changed = (at: number, byte: number) => {
      const bytes = new Uint8Array(whole);
      bytes[at] = byte;
      return bytes;
    };
    await expect(opened(changed(20, 2))).rejects.toThrow(/LMDB store of format 2; expected .* liblmdb 0\.9/);
    await expect(opened(changed(41, 0))).rejects.toThrow(/damaged: it has pages of 0 bytes/);
    // Whatever byte is damaged, the store is read or refused, at once.
    for (let at = 8192; at < whole.length; at += 611) {
      await opened(changed(at, 255)).catch((error: Error) =>
        expect(error.message).toMatch(/data\.mdb is damaged/),
      );
    }
    await expect(opened(changed(20 + 74, 33))).rejects.toThrow(/damaged: its tree has 33 levels/);
    const source = await openByteSource(join(folder, 'whole', 'data.mdb'));
    expect((await openArchive(source)).entries.size).toBe(400);
    await source.close();
  });

  it('whose large value lies on pages that are none, too few, or beyond the end is told in one line', async () => {
    const whole = fileOf(store('overflow', [{ key: 'a', value: Buffer.alloc(10_000, 7) }]));
    const opened = (change: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(whole);
      change(bytes);
      return openArchive(memorySource(bytes, 'data.mdb'));
    };
    const first = ((await opened(() => {})).entries.get('a')?.offset ?? 0) - 16;
    expect([...(await (await opened(() => {})).read('a'))]).toEqual(Array(10_000).fill(7));
    const pageIsNone = /data\.mdb is damaged, .*: page \d+ is none of its tree/;
    for (const [at, byte, message] of [
      [first, 99, pageIsNone],
      [first + 10, 2, pageIsNone],
      [first + 12, 2, /damaged: a has 10000 bytes, the pages from \d+ on say 2 pages of 4096; copy it again/],
      [first + 13, 1, /say 259 pages of 4096/],
    ] as const) {
      const archive = await opened((bytes) => bytes.writeUInt8(byte, at));
      await expect(archive.read('a')).rejects.toThrow(message);
    }
    // Where the leaf names the page, behind the key.
    const named = whole.indexOf(Buffer.from([0x61, first / 4096, 0, 0, 0, 0, 0, 0, 0])) + 1;
    for (const number of [0, 1, 200])
      await expect(opened((bytes) => bytes.writeUInt8(number, named))).rejects.toThrow(pageIsNone);
  });
});
