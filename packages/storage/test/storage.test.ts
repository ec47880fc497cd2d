/** Tar shards from disk, behind HTTP and in an S3-compatible store: the same files from each, by ranges, and one line for what is wrong. */

import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import S3rver from 's3rver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  download,
  isRemote,
  memorySource,
  modulesOfLocations,
  openArchive,
  openByteSource,
  registerByteSource,
  TarArchive,
} from '../src/index.ts';
import { remoteSource } from '../src/remoteSource.ts';
import { webServer } from './support/webServer.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-storage-'));
const shard = join(folder, 'shard-000.tar');
const longName = `${'deep/'.repeat(40)}picture.jpg`;
const credentials = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };

/** What the server answers to the next requests for `busy.tar`, before it gives it. */
const busy: { answers: (number | 'break' | 'hang up')[] } = { answers: [] };
let webAddress = '';
let store: S3rver;
let storeAddress = '';

beforeAll(async () => {
  const files = join(folder, 'files');
  mkdirSync(join(files, 'deep/'.repeat(40)), { recursive: true });
  writeFileSync(join(files, '0.jpg'), 'first picture');
  writeFileSync(join(files, '0.cls'), '3');
  writeFileSync(join(files, longName), Buffer.alloc(3000, 7));
  const packed = spawnSync('tar', ['-cf', shard, '-C', files, '0.jpg', '0.cls', 'deep']);
  expect(packed.status).toBe(0);
  const whole = { bytes: readFileSync(shard) };
  const others = { bytes: new Uint8Array(100) };
  const served = new Map([
    ['/shard.tar', whole],
    ['/busy.tar', whole],
    ['/broken.tar', others],
    ['/long.tar', others],
  ]);
  const instead = ({ headers }: IncomingMessage, response: ServerResponse, path: string) => {
    const failure = path === '/busy.tar' ? busy.answers.shift() : undefined;
    const isOpening = headers.range === 'bytes=0-0';
    if (failure === 'hang up') response.destroy();
    else if (failure === 'break')
      response
        .writeHead(206, { 'content-range': `bytes 512-524/${whole.bytes.length}`, 'content-length': 13 })
        .write('firs', () => response.destroy());
    else if (failure !== undefined) response.writeHead(failure, { 'retry-after': '0' }).end();
    else if (path === '/broken.tar' && !isOpening) response.destroy();
    else if (path === '/long.tar' && !isOpening)
      response.writeHead(206, { 'content-range': 'bytes 0-3/100' }).end('more than was asked for');
    else return false;
    return true;
  };
  ({ address: webAddress } = await webServer((path) => served.get(path) ?? null, { instead }));
  store = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: join(folder, 's3'),
    configureBuckets: [{ name: 'shards', configs: [] }],
  });
  storeAddress = addressOf(await store.run());
  mkdirSync(join(folder, 's3'), { recursive: true });
  const { AwsClient } = await import('aws4fetch');
  const client = new AwsClient({
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER',
    service: 's3',
    region: 'us-east-1',
  });
  const put = await client.fetch(`${storeAddress}/shards/train/shard%20000.tar`, {
    method: 'PUT',
    body: readFileSync(shard),
  });
  expect(put.status).toBe(200);
});

afterAll(async () => {
  await store.close();
});

const addressOf = (address: AddressInfo | string | null) =>
  `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;

/** A header as tar writes it, for a file of `size` bytes. */
function tarHeader(name: string, size: number, type: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** The records of a pax header: each begins with its own length. */
function paxRecords(values: Record<string, string>): Buffer {
  return Buffer.concat(
    Object.entries(values).map(([key, value]) => {
      const rest = Buffer.byteLength(` ${key}=${value}\n`);
      const length = rest + String(rest + 2).length;
      return Buffer.from(`${length} ${key}=${value}\n`);
    }),
  );
}

describe('a server', () => {
  it('that breaks off every time, or sends more than it was asked for, is an error that names the file', async () => {
    const impatient = { retries: 2, firstPause: 1 };
    const open = (path: string) => {
      const address = `${webAddress}/${path}`;
      return remoteSource(address, (init) => fetch(address, init), { persistence: impatient });
    };
    await expect((await open('broken.tar')).read(0, 100)).rejects.toThrow(
      /broken\.tar cannot be reached: .*; check the address and the network \(tried 3 times\)/,
    );
    await expect((await open('long.tar')).read(0, 4)).rejects.toThrow(
      /long\.tar: the server sends more than the 4 bytes from 0 on/,
    );
    busy.answers = [503, 503, 503];
    await expect(open('busy.tar')).rejects.toThrow(
      /busy\.tar: the server answers 503 Service Unavailable; try again later \(tried 3 times\)/,
    );
    busy.answers = [];
    const nowhere = () => fetch('http://127.0.0.1:1/');
    await expect(remoteSource('gone', nowhere, { persistence: impatient })).rejects.toThrow(
      /gone cannot be reached: .* \(tried 3 times\)/,
    );
  });

  it('that fails twice is asked a third time: when it is busy, breaks off, or hangs up', async () => {
    busy.answers = [503, 429];
    const source = await openByteSource(`${webAddress}/busy.tar`);
    busy.answers = ['break', 'hang up'];
    expect(Buffer.from(await source.read(512, 13)).toString()).toBe('first picture');
    expect(busy.answers).toEqual([]);
  });

  it('that refuses is asked once', async () => {
    busy.answers = [403, 503];
    await expect(openByteSource(`${webAddress}/busy.tar`)).rejects.toThrow(
      /busy\.tar: the server answers 403 Forbidden; check the address and the credentials$/,
    );
    expect(busy.answers).toEqual([503]);
    busy.answers = [];
  });
});

describe('a tar shard', () => {
  const sources = {
    'on disk': () => openByteSource(shard),
    'behind HTTP': () => openByteSource(`${webAddress}/shard.tar`),
    'in S3': () =>
      openByteSource('s3://shards/train/shard 000.tar', { ...credentials, AWS_ENDPOINT_URL: storeAddress }),
  };
  for (const [where, open] of Object.entries(sources)) {
    it(`${where} gives its files, those with long names too`, async () => {
      const source = await open();
      const archive = await TarArchive.open(source);
      expect([...archive.entries.keys()]).toEqual(['0.jpg', '0.cls', longName]);
      expect(Buffer.from(await archive.read('0.jpg')).toString()).toBe('first picture');
      expect(await archive.read(longName)).toEqual(new Uint8Array(3000).fill(7));
      await source.close();
    });
  }

  it('with a pax header takes name and size from it: a file of 9 GB, whose size its own header cannot hold', async () => {
    const large = 9e9;
    const end = 1024 + 512 + Math.ceil(large / 512) * 512;
    const records = paxRecords({ comment: 'line\n9 path=b', path: 'deep/\u00e9.jpg', size: '9000000000' });
    const parts = new Map([
      [0, tarHeader('PaxHeaders/a', records.length, 'x')],
      [512, records],
      [1024, tarHeader('short.jpg', 0, '0')],
      [end, tarHeader('next.jpg', 2, '0')],
    ]);
    const read = (offset: number, length: number) => {
      const bytes = new Uint8Array(length);
      for (const [at, part] of parts) {
        const inside = part.subarray(Math.max(0, offset - at), Math.max(0, offset + length - at));
        if (inside.length > 0) bytes.set(inside, Math.max(0, at - offset));
      }
      return Promise.resolve(bytes);
    };
    const close = () => Promise.resolve();
    const huge = { name: 'huge.tar', size: end + 2048, version: null, read, close };
    const { entries } = await TarArchive.open(huge);
    expect(Object.fromEntries(entries)).toEqual({
      'deep/\u00e9.jpg': { offset: 1536, size: large },
      'next.jpg': { offset: end + 512, size: 2 },
    });
    parts.set(512, Buffer.from('99 path=a\n'));
    await expect(TarArchive.open(huge)).rejects.toThrow(
      /huge\.tar is damaged: the pax header at 512 cannot be read at byte 0/,
    );
  });

  it.each(['gnu', 'posix'])('has hard links as files too, long names as well (%s)', async (format) => {
    const files = mkdtempSync(join(folder, 'links-'));
    mkdirSync(join(files, 'deep/'.repeat(40)), { recursive: true });
    writeFileSync(join(files, longName), 'the picture');
    linkSync(join(files, longName), join(files, 'short.jpg'));
    linkSync(join(files, longName), join(files, `${longName}.again`));
    symlinkSync('short.jpg', join(files, 'symbolic.jpg'));
    const path = join(files, 'links.tar');
    const names = [longName, 'short.jpg', `${longName}.again`, 'symbolic.jpg'];
    expect(spawnSync('tar', [`--format=${format}`, '-cf', path, '-C', files, ...names]).status).toBe(0);
    const archive = await TarArchive.open(memorySource(readFileSync(path)));
    expect([...archive.entries.keys()]).toEqual(names.slice(0, 3));
    for (const name of archive.entries.keys())
      expect(Buffer.from(await archive.read(name)).toString()).toBe('the picture');
  });

  it('that is cut off, damaged or no archive is refused with the place', async () => {
    const bytes = readFileSync(shard);
    const opened = (part: Uint8Array) => TarArchive.open(memorySource(part, 'cut.tar'));
    await expect(opened(bytes.subarray(0, 520))).rejects.toThrow(
      /cut\.tar is cut off: 0\.jpg ends at 525, the archive at 520/,
    );
    await expect(opened(bytes.subarray(0, 1024))).rejects.toThrow(/cut off: it has no end mark/);
    bytes[10] = 1;
    await expect(opened(bytes)).rejects.toThrow(/no valid header at 0/);
  });
});

describe('an archive', () => {
  it.each([
    ['gzip', gzipSync(Buffer.alloc(5000))],
    ['zstd', Buffer.from('28b52ffd00000000', 'hex')],
  ])('that is packed as a whole, with %s, is refused with what to do', async (packing, packed) => {
    await expect(openArchive(memorySource(packed, 'a.tar.gz'))).rejects.toThrow(
      `a.tar.gz: is packed as a whole (${packing}), so no file in it can be read without all before it; unpack it`,
    );
  });
});

describe('a download from S3', () => {
  it('is signed, and the same file', async () => {
    const env = { ...credentials, AWS_ENDPOINT_URL: storeAddress, OMMA_CACHE: join(folder, 'cache') };
    const path = await download('s3://shards/train/shard 000.tar', { env });
    expect(readFileSync(path).equals(readFileSync(shard))).toBe(true);
  });
});

describe('a scheme of your own', () => {
  it('opens what its addresses name, and tells threads which module knows it', async () => {
    const open = async (location: string) =>
      memorySource(Buffer.from(location.slice('letters://'.length)), location);
    registerByteSource('letters', { module: 'file:///letters.js', open });
    const source = await openByteSource('letters://abc');
    expect([source.size, Buffer.from(await source.read(1, 2)).toString()]).toEqual([3, 'bc']);
    expect([isRemote('letters://a'), isRemote('numbers://a'), isRemote('a')]).toEqual([true, false, false]);
    expect(modulesOfLocations(['letters://a', 'letters://b', 's3://a/b', 'a'])).toEqual([
      'file:///letters.js',
    ]);
    await expect(openByteSource('numbers://a')).rejects.toThrow(
      /numbers:\/\/a: nothing reads numbers:\/\/; expected a path, http:\/\/, https:\/\/, s3:\/\/, or import the module/,
    );
    expect(() => registerByteSource('s3', { module: '', open })).toThrow(/s3: is no scheme of your own/);
  });
});

describe('what cannot be read', () => {
  it('is told with its address and what to do', async () => {
    await expect(openByteSource('/nowhere/a.tar')).rejects.toThrow(
      /\/nowhere\/a\.tar: cannot be read \(ENOENT\)/,
    );
    await expect(openByteSource(folder)).rejects.toThrow(/is no file; name a file inside of it/);
    await expect(openByteSource(`${webAddress}/none`)).rejects.toThrow(/none: the server answers 404/);
    const wrong = { ...credentials, AWS_ACCESS_KEY_ID: 'wrong', AWS_ENDPOINT_URL: storeAddress };
    await expect(openByteSource('s3://shards/train/shard 000.tar', wrong)).rejects.toThrow(
      /shard 000\.tar: the server answers 403/,
    );
    await expect(openByteSource('s3://shards/a', {})).rejects.toThrow(/set AWS_ACCESS_KEY_ID/);
    await expect(openByteSource('https://host:port/a.tar')).rejects.toThrow(/is no address; expected https/);
    const secret = openByteSource('https://user:secret@host/a.tar');
    await expect(secret).rejects.toThrow(/^an address on host has a user or a password in it/);
    await expect(openByteSource('s3://shards', credentials)).rejects.toThrow(/expected s3:\/\/bucket\/key/);
    const source = await openByteSource(shard);
    await expect(source.read(1e9, 4)).rejects.toThrow(
      /shard-000\.tar: ends at byte \d+, but its parts reach to 1000000004; it is damaged/,
    );
    await source.close();
  });
});
