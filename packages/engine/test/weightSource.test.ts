/** Weights at addresses: downloaded once, or looked into by ranges; names of zoos refused with what to do. */

import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostTensor } from '@omma/core';
import { writeSafetensors } from '@omma/nn';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inspectWeights, loadModelWeights, openWeightFile } from '../src/index.ts';

const numbers = Float32Array.from({ length: 50_000 }, (_, i) => i);
const file = writeSafetensors({ w: hostTensor([50_000], 'float32', numbers) }, {});
const cache = process.env.OMMA_CACHE;
let sent = 0;
let address = '';

const server = createServer((request, response) => {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const part = from === undefined ? file : file.subarray(Number(from), Number(to) + 1);
  const headers = { 'content-length': part.length, etag: '"one"' };
  response.writeHead(from === undefined ? 200 : 206, headers);
  if (request.method !== 'HEAD') sent += part.length;
  response.end(request.method === 'HEAD' ? undefined : part);
});

beforeAll(async () => {
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const bound = server.address();
  address = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}/w.safetensors`;
  process.env.OMMA_CACHE = mkdtempSync(join(tmpdir(), 'omma-cache-'));
});

beforeEach(() => {
  sent = 0;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  if (cache === undefined) delete process.env.OMMA_CACHE;
  else process.env.OMMA_CACHE = cache;
});

describe('weights at an address', () => {
  it('are asked for by ranges where names and shapes are all that is wanted', async () => {
    const { tensors, bytes } = await inspectWeights(address, { numbers: false });
    expect(tensors).toMatchObject([{ name: 'w', shape: [50_000] }]);
    expect(bytes).toBe(file.length);
    expect(sent).toBeLessThan(2000);
  });

  it('are downloaded to be loaded, with progress', async () => {
    const told: (readonly [number, number])[] = [];
    const onDownload = (done: number, total: number) => told.push([done, total]);
    const weights = await loadModelWeights(address, { onDownload });
    expect(weights.get('w')?.data).toEqual(numbers);
    expect(told.at(-1)).toEqual([file.length, file.length]);
  });
});

describe('an address that is not read', () => {
  it.each([
    [
      'torchvision://resnet50',
      /torchvision:\/\/resnet50: names a model of a zoo.*give the address of its file/,
    ],
    ['open-mmlab://resnet50', /names a model of a zoo/],
    ['ftp://host/a.pth', /ftp:\/\/ is not read; expected is a path, https:\/\/, http:\/\/ or s3:\/\//],
  ])('%s is refused', async (location, message) => {
    await expect(openWeightFile(location)).rejects.toThrow(message);
    await expect(loadModelWeights(location)).rejects.toThrow(message);
  });
});
