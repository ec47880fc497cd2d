/** Weights at addresses: downloaded once, or looked into by ranges; names of zoos refused with what to do. */

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostTensor } from '@omma/core';
import { writeSafetensors } from '@omma/nn';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { webServer } from '../../storage/test/support/webServer.ts';
import {
  inspectWeights,
  loadModelWeights,
  openWeightFile,
  storedTensor,
  writePyTorchFile,
} from '../src/index.ts';

const numbers = Float32Array.from({ length: 50_000 }, (_, i) => i);
const file = writeSafetensors({ w: hostTensor([50_000], 'float32', numbers) }, {});
/** Many tensors of their own, as models have them. */
const large = Array.from(
  { length: 40 },
  (_, i) => [`layer${i}.weight`, numbers.map((value) => value + i)] as const,
);
const cache = process.env.OMMA_CACHE;
const folder = mkdtempSync(join(tmpdir(), 'omma-weights-'));
const model = join(folder, 'model.pth');

const server = await webServer((path) => ({
  bytes: path === '/model.pth' ? readFileSync(model) : file,
  etag: '"one"',
}));
const address = `${server.address}/w.safetensors`;

beforeAll(async () => {
  process.env.OMMA_CACHE = mkdtempSync(join(tmpdir(), 'omma-cache-'));
  const tensors = large.map(
    ([name, data]) => [name, storedTensor(hostTensor([data.length], 'float32', data))] as const,
  );
  await writePyTorchFile(model, { meta: new Map(), state_dict: new Map(tensors) });
});

beforeEach(() => {
  server.requests.length = 0;
});

afterAll(() => {
  if (cache === undefined) delete process.env.OMMA_CACHE;
  else process.env.OMMA_CACHE = cache;
});

/** Bytes that are sent meanwhile. */
async function sentBy(work: () => Promise<void>): Promise<number> {
  const before = server.sent();
  await work();
  return server.sent() - before;
}

describe('weights at an address', () => {
  it('are asked for by ranges where names and shapes are all that is wanted', async () => {
    const sent = await sentBy(async () => {
      const { tensors, bytes } = await inspectWeights(address, { numbers: false });
      expect(tensors).toMatchObject([{ name: 'w', shape: [50_000] }]);
      expect(bytes).toBe(file.length);
    });
    expect(sent).toBeLessThan(2000);
  });

  it("of PyTorch too: the archive's directory and its pickle, and no tensor", async () => {
    const location = `${server.address}/model.pth`;
    const sent = await sentBy(async () => {
      const { tensors } = await inspectWeights(location, { numbers: false });
      expect(tensors.map(({ name, shape }) => [name, shape])).toEqual(
        large.map(([name]) => [`state_dict.${name}`, [numbers.length]]),
      );
    });
    expect(sent).toBeLessThan(100_000);
    expect(server.requests.length).toBeLessThan(12);
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
