/** What pictures in archives on a server cost: requests and bytes for the index over 1000 small ones, and for their batches. */

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { tarOf } from '../../../tools/src/fuzz/tar.ts';
import { zipOf } from '../../../tools/src/fuzz/zip.ts';
import { webServer } from '../../storage/test/support/webServer.ts';
import { buildArchiveIndex, ImageArchive } from '../src/index.ts';
import { storeWriter } from './support/lmdbStore.ts';

const count = 1000;
const batch = 50;
const folder = mkdtempSync(join(tmpdir(), 'omma-requests-'));
const writer = storeWriter();
const archives = new Map<string, Uint8Array>();
const server = await webServer((path) => ({ bytes: archives.get(path) ?? new Uint8Array(), etag: '"1"' }));
const list = join(folder, 'train.txt');

beforeAll(async () => {
  const pictures: Buffer[] = [];
  for (const side of [24, 32, 40, 48, 56]) {
    const pixels = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * i * 7919) % 256);
    pictures.push(
      await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
        .png({ compressionLevel: 0 })
        .toBuffer(),
    );
  }
  const numbers = Array.from({ length: count }, (_, i) => i);
  const key = (i: number) => String(i).padStart(6, '0');
  const bytesOf = (i: number) => pictures[i % pictures.length] ?? Buffer.alloc(0);
  const labelled = numbers.flatMap((i) => [
    { name: `${key(i)}.png`, bytes: bytesOf(i) },
    { name: `${key(i)}.cls`, bytes: Buffer.from(String(i % 7)) },
  ]);
  archives.set('/a.tar', tarOf(labelled));
  archives.set(
    '/a.zip',
    zipOf(numbers.map((i) => ({ name: `class${i % 7}/${key(i)}.png`, bytes: bytesOf(i) }))),
  );
  writeFileSync(list, numbers.map((i) => `${key(i)} ${i % 7}\n`).join(''));
  for (const [name, steps] of [
    ['large', numbers.map((i) => ({ key: key(i), value: bytesOf(i) }))],
    // In pages of the tree themselves, and written in no order.
    ['small', numbers.map((i) => ({ key: key(shuffled(i)), value: Buffer.alloc(784, i) }))],
  ] as const) {
    if (writer === null) continue;
    mkdirSync(join(folder, name));
    writer.write(join(folder, name), steps);
    archives.set(`/${name}.mdb`, readFileSync(join(folder, name, 'data.mdb')));
  }
});

const inOrder = (i: number) => i;
const shuffled = (i: number) => (i * 617) % count;

/** Requests, and bytes over those of the archive. */
async function costOf(name: string, work: () => Promise<void>) {
  server.requests.length = 0;
  const before = server.sent();
  await work();
  const share = (server.sent() - before) / (archives.get(`/${name}`)?.length ?? 0);
  return { requests: server.requests.length, share };
}

function indexing(name: string, annFile?: string) {
  return costOf(name, async () => {
    const index = await buildArchiveIndex(
      [`${server.address}/${name}`],
      annFile === undefined ? {} : { annFile },
    );
    expect(index.samples.name).toHaveLength(count);
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(index));
  });
}

/** So many pictures, a batch's side by side. */
function loading(name: string, pictures: number, order: (i: number) => number) {
  const data = new ImageArchive({ root: folder, index: `${name}.json`, transforms: [] });
  return costOf(name, async () => {
    for (let from = 0; from < pictures; from += batch) {
      const indices = Array.from({ length: batch }, (_, i) => order(from + i));
      await Promise.all(indices.map((i) => data.load(i, { seed: 1, epoch: 0 })));
    }
  });
}

describe('1000 small pictures on a server, 7 MB', () => {
  it.each([
    ['a tar shard with labels', 'a.tar', undefined, 14, 1],
    ['a zip archive', 'a.zip', undefined, 12, 1],
    ...(writer === null
      ? []
      : ([
          ['an LMDB store', 'large.mdb', list, 16, 1],
          ['an LMDB store of values on the pages of its tree, written in no order', 'small.mdb', list, 12, 1],
        ] as const)),
  ] as const)('%s is indexed with a few large requests', async (_, name, annFile, most, mostShare) => {
    const { requests, share } = await indexing(name, annFile);
    expect(requests).toBeLessThanOrEqual(most);
    expect(share).toBeLessThanOrEqual(mostShare);
  });

  it('that are large are left alone by the index: a request each for their headers and labels', async () => {
    const files = Array.from({ length: 20 }, (_, i) => [
      { name: `${i}.png`, bytes: Buffer.alloc(100_000, i) },
      { name: `${i}.cls`, bytes: Buffer.from('3') },
    ]);
    archives.set('/b.tar', tarOf(files.flat()));
    const { requests, share } = await costOf('b.tar', async () => {
      await buildArchiveIndex([`${server.address}/b.tar`]);
    });
    expect(requests).toBeLessThanOrEqual(20 + 3);
    expect(share).toBeLessThan(0.06);
  });

  it('are a request a batch when they are read in their order, and hardly more bytes than they have otherwise', async () => {
    await indexing('a.tar');
    // And one that asks whether the archive is what was indexed.
    expect(await loading('a.tar', count, inOrder)).toMatchObject({ requests: 1 + count / batch });
    const { requests, share } = await loading('a.tar', 200, shuffled);
    expect(requests).toBeLessThanOrEqual(1 + 200);
    expect(share).toBeLessThan(0.2 * 0.8);
  });

  it('are indexed with progress within an archive', async () => {
    for (const name of archives.keys()) {
      const told: number[] = [];
      const onProgress = (done: number, total: number) => told.push(done / total);
      const isStore = name.endsWith('.mdb');
      await buildArchiveIndex([`${server.address}${name}`], {
        onProgress,
        ...(isStore ? { annFile: list } : {}),
      });
      expect(told.length).toBeGreaterThan(2);
      expect(told).toEqual(told.toSorted((a, b) => a - b));
      expect(told.at(-1)).toBe(1);
    }
  });
});
