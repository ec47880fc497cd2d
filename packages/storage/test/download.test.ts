/** Files of servers in the cache: whole, checked, fetched once, taken up where a connection broke. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { download, fileName } from '../src/index.ts';

const contents = Buffer.alloc(300_000, 'weights ');
const digits = createHash('sha256').update(contents).digest('hex').slice(0, 8);
const etag = '"one"';

let cache = '';
let address = '';
/** Of each request: its path and range. */
let asked: string[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void = whole;

const server = createServer((request, response) => {
  asked.push([request.url, request.headers.range].filter((part) => part !== undefined).join(' '));
  answer(request, response);
});

beforeAll(async () => {
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const bound = server.address();
  address = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'omma-cache-'));
  asked = [];
  answer = whole;
});

/** The file, or the range of it that is asked for. */
function whole(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const part = contents.subarray(from);
  const range = { 'content-range': `bytes ${from}-${contents.length - 1}/${contents.length}` };
  const headers = { 'content-length': part.length, etag };
  if (from === 0) response.writeHead(200, headers).end(part);
  else response.writeHead(206, { ...headers, ...range }).end(part);
}

/** The first answer breaks off. */
function breaking(next: typeof whole): typeof whole {
  return (request, response) => {
    answer = next;
    breakOff(request, response);
  };
}

/** The file from its beginning, whatever range is asked for, and no more than 100,000 bytes of it. */
function breakOff(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': contents.length, etag });
  response.write(contents.subarray(0, 100_000), () => response.destroy());
}

/** Pauses of milliseconds between the tries. */
const persistence = { retries: 2, firstPause: 1 };
const get = (path: string, more = {}) =>
  download(`${address}${path}`, { env: { OMMA_CACHE: cache }, persistence, ...more });
const left = () =>
  readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));

describe('a download', () => {
  it('is a whole file under its own name, told as it comes, and fetched once while its ETag stays', async () => {
    const told: number[] = [];
    const path = await get('/a/model.pth?x=1', { onProgress: (done: number) => told.push(done) });
    expect(path).toMatch(/model\.pth$/);
    expect(readFileSync(path)).toEqual(contents);
    expect(told.at(-1)).toBe(contents.length);
    const { ino } = statSync(path);
    expect(await get('/a/model.pth?x=1')).toBe(path);
    expect(statSync(path).ino).toBe(ino);
  });

  it('is fetched again when the file has changed on the server', async () => {
    const path = await get('/model.pth');
    answer = (_, response) => response.writeHead(200, { 'content-length': 3, etag: '"two"' }).end('new');
    const next = await get('/model.pth');
    expect(next).not.toBe(path);
    expect(readFileSync(next, 'utf8')).toBe('new');
  });

  it('goes on where the connection broke', async () => {
    answer = breaking(whole);
    expect(readFileSync(await get('/model.pth'))).toEqual(contents);
    expect(asked).toHaveLength(2);
    expect(asked[1]).toMatch(/^\/model\.pth bytes=[1-9]\d*-$/);
  });

  it('begins anew when the file has changed meanwhile', async () => {
    answer = breaking((_, response) =>
      response
        .writeHead(200, { 'content-length': contents.length, etag: '"two"' })
        .end(Buffer.alloc(contents.length, 7)),
    );
    expect(readFileSync(await get('/model.pth'))).toEqual(Buffer.alloc(contents.length, 7));
  });

  it('is refused when the file that has changed meanwhile is of another length', async () => {
    answer = breaking((_, response) =>
      response.writeHead(200, { 'content-length': 3, etag: '"two"' }).end('new'),
    );
    await expect(get('/model.pth')).rejects.toThrow(
      /changed on the server while it was read \(300000 bytes before, 3 now\); try again/,
    );
    expect(left()).toEqual([]);
  });

  it('ends when a server that always begins anew always breaks off at the same place', async () => {
    answer = breakOff;
    await expect(get('/model.pth')).rejects.toThrow(/the connection broke after \d+ of 300000 bytes/);
    expect(asked).toHaveLength(4);
    expect(left()).toEqual([]);
  });

  it('waits no longer than it is told to for a server that falls silent', async () => {
    answer = (_, response) => {
      answer = whole;
      response.writeHead(200, { 'content-length': contents.length, etag }).write('weights ');
    };
    expect(readFileSync(await get('/model.pth', { patience: 1000 }))).toEqual(contents);
    expect(asked.length).toBeGreaterThanOrEqual(2);
  });
});

describe('a checksum in the name', () => {
  it('is held against the file, and then the server is not asked again', async () => {
    const path = await get(`/model-${digits}.pth`);
    expect(await get(`/model-${digits}.pth`)).toBe(path);
    expect(asked).toHaveLength(1);
  });

  it('that differs refuses the file, and nothing is kept', async () => {
    await expect(get('/model-0123abcd.pth')).rejects.toThrow(
      new RegExp(`model-0123abcd\\.pth: its SHA-256 begins with ${digits}, its name says 0123abcd`),
    );
    expect(left()).toEqual([]);
  });

  it('is no date', async () => {
    expect(readFileSync(await get('/model-20230105.pth'))).toEqual(contents);
  });
});

describe('what cannot be downloaded', () => {
  it('is told in one line, and leaves nothing behind', async () => {
    answer = (_, response) => response.writeHead(404).end('no such file');
    await expect(get('/model.pth')).rejects.toThrow(/model\.pth: the server answers 404 Not Found/);
    answer = (_, response) => response.writeHead(200).end(contents);
    await expect(get('/model.pth')).rejects.toThrow(/does not tell how long it is/);
    answer = (_, response) => response.writeHead(200, { 'content-length': 2 ** 52 }).end();
    await expect(get('/model.pth')).rejects.toThrow(
      /needs \d+\.\d MB, but \d+\.\d MB are free in .*; free some space, or set OMMA_CACHE/,
    );
    answer = whole;
    await expect(download('http://127.0.0.1:9/model.pth', { persistence })).rejects.toThrow(
      /cannot be reached/,
    );
    const file = join(cache, 'file');
    writeFileSync(file, '');
    await expect(get('/model.pth', { env: { OMMA_CACHE: file } })).rejects.toThrow(
      /file.*: cannot be made \(ENOTDIR\); set OMMA_CACHE/,
    );
    expect(left()).toEqual([]);
  });

  it('is no longer asked for once a range is answered by another', async () => {
    answer = breaking((_, response) =>
      response.writeHead(206, { 'content-range': 'bytes 5-9/300000', 'content-length': 5 }).end('wrong'),
    );
    await expect(get('/model.pth')).rejects.toThrow(
      /was asked for the bytes from \d+ on and answers with bytes 5-9\/300000; try again/,
    );
    expect(left()).toEqual([]);
  });

  it('is no mixture where a server sends the rest of another file, whatever it was asked for', async () => {
    answer = breaking((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
      const range = { 'content-range': `bytes ${from}-${contents.length - 1}/${contents.length}` };
      response.writeHead(206, { ...range, etag: '"two"' }).end(Buffer.alloc(contents.length - from, 7));
    });
    await expect(get('/model.pth')).rejects.toThrow(
      /model\.pth: changed on the server while it was read \(ETag "one" before, "two" now\); try again/,
    );
    expect(left()).toEqual([]);
  });
});

describe('the name of a file', () => {
  it('is the last part of its address, and no path', () => {
    expect(fileName('https://host/a/b.pth?sig=../../x#y')).toBe('b.pth');
    expect(fileName('s3://bucket/a b%20c.pth')).toBe('a_b_20c.pth');
    expect(fileName('https://host/..')).toBe('file');
    expect(fileName('https://host')).toBe('file');
    expect(dirname(fileName('https://host/a\\..\\b'))).toBe('.');
  });
});
