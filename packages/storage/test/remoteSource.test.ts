/** Files of servers by ranges: over slow and broken lines the same bytes, and never those of two files. */

import { mkdtempSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { StoreError } from '@omma/core';
import { AwsClient } from 'aws4fetch';
import S3rver from 's3rver';
import { afterAll, describe, expect, it } from 'vitest';
import { openByteSource } from '../src/index.ts';
import { remoteSource } from '../src/remoteSource.ts';
import { type WebFile, type WebServerOptions, webServer } from './support/webServer.ts';

const contents = Uint8Array.from({ length: 3000 }, (_, i) => i % 251);
const others = contents.map((byte) => 255 - byte);
const persistence = { retries: 2, firstPause: 1 };

/** The request for the first byte, by which a file is opened. */
const isOpening = ({ headers }: IncomingMessage) => headers.range === 'bytes=0-0';

/** A file that may change, and what reads it. */
async function served(file: WebFile, options: WebServerOptions = {}, patience = 60_000) {
  const state = { file };
  const server = await webServer(() => state.file, options);
  const address = `${server.address}/a.tar`;
  const source = await remoteSource(address, (init) => fetch(address, init), { persistence, patience });
  server.requests.length = 0;
  return { state, server, source };
}

describe('a range over a slow line', () => {
  it('may take longer than the line may be silent', async () => {
    const patience = 2000;
    const { server, source } = await served(
      { bytes: contents },
      {
        instead: (request, response) => {
          if (isOpening(request)) return false;
          response.writeHead(206, { 'content-range': `bytes 0-19/${contents.length}` });
          const drip = async () => {
            for (const byte of contents.subarray(0, 20)) {
              response.write(Uint8Array.of(byte));
              await pause(patience / 18);
            }
            response.end();
          };
          drip().catch(() => response.destroy());
          return true;
        },
      },
      patience,
    );
    expect(await source.read(0, 20)).toEqual(contents.subarray(0, 20));
    expect(server.requests).toEqual(['GET /a.tar 0-19']);
  });

  it('that falls silent, or breaks more often than it is asked again, is gone on with from the byte that was reached', async () => {
    let silent = true;
    const { server, source } = await served(
      { bytes: contents },
      {
        instead: (request, response) => {
          const [, from] = /^bytes=(\d+)-/.exec(request.headers.range ?? '') ?? [];
          if (isOpening(request) || Number(from) >= 2000) return false;
          const begin = Number(from);
          const range = `bytes ${begin}-2999/${contents.length}`;
          response.writeHead(206, { 'content-range': range, 'content-length': 3000 - begin });
          const part = contents.subarray(begin, begin + 400);
          if (silent) response.write(part);
          else response.write(part, () => response.socket?.end());
          silent = false;
          return true;
        },
      },
      1000,
    );
    expect(await source.read(0, 3000)).toEqual(contents);
    // On a busy machine one or the other is asked twice.
    expect([...new Set(server.requests)]).toEqual(
      [0, 400, 800, 1200, 1600, 2000].map((from) => `GET /a.tar ${from}-2999`),
    );
  });

  it('asks again for what a server leaves out, and gives up where nothing comes', async () => {
    let most = 1000;
    const { server, source } = await served(
      { bytes: contents },
      {
        instead: (request, response) => {
          const [, from = 0] = /^bytes=(\d+)-/.exec(request.headers.range ?? '') ?? [];
          if (isOpening(request)) return false;
          const part = contents.subarray(Number(from), Number(from) + most);
          response.writeHead(206, { 'content-range': `bytes ${from}-${Number(from) + most - 1}/3000` });
          response.end(part);
          return true;
        },
      },
    );
    expect(await source.read(500, 2500)).toEqual(contents.subarray(500));
    expect(server.requests).toHaveLength(3);
    most = 0;
    await expect(source.read(7, 3)).rejects.toThrow(
      /a\.tar: the connection broke after 0 of 3 bytes from 7 on: the server sent no more; .*\(tried 3 times\)/,
    );
  });

  it('uses its connections again', async () => {
    const { server, source } = await served({ bytes: contents });
    for (let from = 0; from < 3000; from += 100) await source.read(from, 100);
    // One more may be opened before the last is known to be free.
    expect(server.connections()).toBeLessThan(10);
  });
});

describe('a server that was given up', () => {
  it('is a StoreError, is not asked again for what waits, and as often as ever for what comes later', async () => {
    let isBusy = false;
    const { server, source } = await served(
      { bytes: contents },
      {
        instead: (_, response) => {
          if (isBusy) response.writeHead(503).end();
          return isBusy;
        },
      },
    );
    const address = `${server.address}/b.tar`;
    const patient = await remoteSource(address, (init) => fetch(address, init), {
      persistence: { retries: 4, firstPause: 500 },
    });
    isBusy = true;
    server.requests.length = 0;
    const waiting = patient.read(0, 10).catch((error: unknown) => error);
    await expect(source.read(0, 10)).rejects.toThrow(/a\.tar: the server answers 503 .* \(tried 3 times\)/);
    expect(await waiting).toBeInstanceOf(StoreError);
    const asked = (name: string) => server.requests.filter((line) => line.includes(name)).length;
    expect([asked('/a.tar'), asked('/b.tar')]).toEqual([3, 2]);
    await expect(source.read(0, 10)).rejects.toThrow(/tried 3 times/);
  });

  it('is none where one object is missing', async () => {
    const { address } = await webServer(() => null);
    const missing = remoteSource(`${address}/a.tar`, (init) => fetch(`${address}/a.tar`, init));
    await expect(missing).rejects.toThrow(/404/);
    await expect(missing).rejects.not.toBeInstanceOf(StoreError);
  });
});

describe('ranges that are asked for side by side', () => {
  it('are no more than 50 requests at a time, and all come', async () => {
    let [underWay, most] = [0, 0];
    const { source } = await served(
      { bytes: contents },
      {
        instead: (request, response) => {
          const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
          if (isOpening(request)) return false;
          most = Math.max(most, ++underWay);
          setTimeout(() => {
            underWay--;
            response.writeHead(206, { 'content-range': `bytes ${from}-${to}/3000` });
            response.end(contents.subarray(Number(from), Number(to) + 1));
          }, 20);
          return true;
        },
      },
    );
    const parts = await Promise.all(Array.from({ length: 300 }, (_, i) => source.read(10 * i, 10)));
    expect(Buffer.concat(parts).equals(contents)).toBe(true);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(50);
  });
});

describe('a file that changes between two ranges', () => {
  const cases: readonly (readonly [string, WebFile, WebFile, boolean, RegExp])[] = [
    [
      'with another ETag',
      { bytes: contents, etag: '"1"' },
      { bytes: others, etag: '"2"' },
      false,
      /answers 412/,
    ],
    [
      'with another ETag, on a server that does not look',
      { bytes: contents, etag: '"1"' },
      { bytes: others, etag: '"2"' },
      true,
      /ETag "1" before, "2" now/,
    ],
    [
      'with another weak ETag',
      { bytes: contents, etag: 'W/"1"' },
      { bytes: others, etag: 'W/"2"' },
      false,
      /ETag W\/"1" before, W\/"2" now/,
    ],
    [
      'without ETags, later',
      { bytes: contents, lastModified: 'Sun, 29 Nov 2026 10:00:00 GMT' },
      { bytes: others, lastModified: 'Sun, 29 Nov 2026 10:00:01 GMT' },
      false,
      /Last-Modified .*10:00:00 GMT before, .*10:00:01 GMT now/,
    ],
    [
      'without anything, of another size',
      { bytes: contents },
      { bytes: others.subarray(0, 2000) },
      false,
      /3000 bytes before, 2000 now/,
    ],
    [
      'without anything, cut off',
      { bytes: contents },
      { bytes: others.subarray(0, 50) },
      false,
      /answers 416/,
    ],
  ];
  it.each(cases)('%s is one line', async (_name, before, after, careless, message) => {
    const { state, server, source } = await served(before, { careless });
    expect(await source.read(0, 100)).toEqual(contents.subarray(0, 100));
    state.file = after;
    server.requests.length = 0;
    const reading = source.read(100, 100);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(
      /^http:\S+\/a\.tar: changed on the server while it was read \(.*\); try again$/,
    );
    expect(server.requests).toHaveLength(1);
  });

  it('is not taken for changed where only its time is another', async () => {
    const { state, source } = await served({ bytes: contents, etag: '"1"', lastModified: 'before' });
    state.file = { bytes: contents, etag: '"1"', lastModified: 'now' };
    expect(await source.read(5, 5)).toEqual(contents.subarray(5, 10));
  });

  it('or where a broken line is taken up is no mixture', async () => {
    const { state, source } = await served(
      { bytes: contents, etag: '"1"' },
      {
        careless: true,
        instead: (request, response) => {
          if (isOpening(request) || state.file.bytes === others) return false;
          response.writeHead(206, { 'content-range': 'bytes 0-2999/3000', 'content-length': 3000 });
          response.write(contents.subarray(0, 1000), () => response.destroy());
          state.file = { bytes: others, etag: '"2"' };
          return true;
        },
      },
    );
    await expect(source.read(0, 3000)).rejects.toThrow(/changed on the server .*ETag "1" before, "2" now/);
  });
});

describe('a server', () => {
  it('is never asked for the head alone, which signed addresses refuse', async () => {
    const { address, requests } = await webServer(() => ({ bytes: contents }));
    const source = await openByteSource(`${address}/a.tar?X-Amz-Signature=1`);
    expect([source.size, requests]).toEqual([3000, ['GET /a.tar?X-Amz-Signature=1 0-0']]);
  });

  it('may have an empty file, and must tell how long a file is', async () => {
    const empty = await served({ bytes: new Uint8Array() });
    expect([empty.source.size, await empty.source.read(0, 0)]).toEqual([0, new Uint8Array()]);
    let answer: readonly [number, Record<string, string>] = [206, { 'content-range': 'bytes 0-0/*' }];
    const { address } = await webServer(() => null, {
      instead: (_, response) => {
        response.writeHead(...answer).end('a');
        return true;
      },
    });
    await expect(openByteSource(`${address}/a`)).rejects.toThrow(
      /a: the server does not tell how long it is/,
    );
    answer = [200, {}];
    await expect(openByteSource(`${address}/a`)).rejects.toThrow(
      /a: the server does not give ranges of bytes \(it answers 200, expected 206\)/,
    );
  });

  it('that gives other bytes than it was asked for, or all of them, is told', async () => {
    const answers = new Map([
      ['bytes=0-9', 'bytes 5-14/3000'],
      ['bytes=10-19', ''],
    ]);
    const { source } = await served(
      { bytes: contents },
      {
        instead: (request, response) => {
          const range = answers.get(request.headers.range ?? '');
          if (isOpening(request)) return false;
          if (range === undefined) response.writeHead(200).end(contents);
          else response.writeHead(206, range === '' ? {} : { 'content-range': range }).end('0123456789');
          return true;
        },
      },
    );
    await expect(source.read(0, 10)).rejects.toThrow(
      /from 0 on and answers with bytes 5-14\/3000; try again/,
    );
    await expect(source.read(10, 10)).rejects.toThrow(/from 10 on and answers with no range; try again/);
    await expect(source.read(20, 10)).rejects.toThrow(/does not give ranges of bytes \(it answers 200/);
  });
});

describe('an object in S3', () => {
  const credentials = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };
  const store = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: mkdtempSync(join(tmpdir(), 'omma-s3-')),
    configureBuckets: [{ name: 'shards', configs: [] }],
  });
  afterAll(() => store.close());

  it('that is replaced between two ranges is one line', async () => {
    const { port } = await store.run();
    const env = { ...credentials, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
    const client = new AwsClient({ accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER', service: 's3' });
    const put = (body: Uint8Array<ArrayBuffer>) =>
      client.fetch(`${env.AWS_ENDPOINT_URL}/shards/a.tar`, { method: 'PUT', body });
    expect((await put(contents)).status).toBe(200);
    const source = await openByteSource('s3://shards/a.tar', env);
    expect(await source.read(1000, 9)).toEqual(contents.subarray(1000, 1009));
    expect((await put(others)).status).toBe(200);
    await expect(source.read(1009, 9)).rejects.toThrow(
      /^s3:\/\/shards\/a\.tar: changed on the server while it was read \(ETag "\w+" before, "\w+" now\); try again$/,
    );
  });

  it('is asked for without a signature of what proxies change', async () => {
    const signed: string[] = [];
    const { address } = await webServer(() => ({ bytes: contents, etag: '"1"' }), {
      instead: ({ headers }) => {
        signed.push(
          `${headers['accept-encoding']} ${/SignedHeaders=([^,]*)/.exec(headers.authorization ?? '')?.[1]}`,
        );
        return false;
      },
    });
    const source = await openByteSource('s3://shards/a.tar', { ...credentials, AWS_ENDPOINT_URL: address });
    await source.read(0, 9);
    expect(signed).toEqual([
      'identity host;x-amz-content-sha256;x-amz-date',
      'identity host;if-match;x-amz-content-sha256;x-amz-date',
    ]);
  });
});
