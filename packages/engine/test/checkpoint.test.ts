import { createHash } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostTensor, OmmaError, Variable } from '@omma/core';
import { writeSafetensors } from '@omma/nn';
import { describe, expect, it } from 'vitest';
import {
  loadCheckpoint,
  loadModelWeights,
  type ManifestContent,
  restore,
  saveCheckpoint,
  type WeightChoice,
} from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';

const temporary = () => mkdtemp(join(tmpdir(), 'omma-checkpoint-'));
const numbers = (...values: number[]) => hostTensor([values.length], 'float32', Float32Array.from(values));
const content: ManifestContent = {
  version: '0.1.0',
  epoch: 1,
  iterationInEpoch: 2,
  iteration: 6,
  evaluationDue: false,
  seed: 3,
  hooks: { CheckpointHook: [{ metric: 'hits', value: 0.5, path: 'best.safetensors' }] },
  metrics: { hits: 0.25 },
  classes: ['a', 'b'],
  inputs: { image: { shape: [8, 8, 1], dtype: 'uint8' } },
  config: tinyConfig('work'),
};

describe('a checkpoint', () => {
  it('gives back numbers and manifest', async () => {
    const path = join(await temporary(), 'a.safetensors');
    await saveCheckpoint(path, { w: numbers(1, 2), 'optimizer.w.momentum': numbers(3, 4) }, content);
    const { manifest, tensors } = await loadCheckpoint(path);
    expect(manifest).toMatchObject(content);
    expect(tensors.get('optimizer.w.momentum')).toEqual(numbers(3, 4));
  });

  it('is refused with any bit changed, or any byte of its end missing', async () => {
    const path = join(await temporary(), 'a.safetensors');
    await saveCheckpoint(path, { w: numbers(1, 2), v: numbers(3) }, content);
    const good = await readFile(path);
    for (let place = 0; place < good.length; place += place < 2000 ? 7 : 1) {
      const changed = Buffer.from(good);
      changed[place] = (changed[place] ?? 0) ^ (1 << (place % 8));
      await writeFile(path, changed);
      await expect(loadCheckpoint(path)).rejects.toThrow(OmmaError);
    }
    for (let cut = 1; cut < 12; cut++) {
      await writeFile(path, good.subarray(0, good.length - cut));
      await expect(loadCheckpoint(path)).rejects.toThrow(/a\.safetensors: safetensors: .* damaged/);
    }
    const changed = Buffer.from(good);
    changed[good.length - 1] = (changed.at(-1) ?? 0) ^ 4;
    await writeFile(path, changed);
    await expect(loadCheckpoint(path)).rejects.toThrow(
      /a\.safetensors: the file does not match its checksum/,
    );
  });

  it('of format 1 is read, its checksum verified, and one of a newer format names what it needs', async () => {
    const path = join(await temporary(), 'a.safetensors');
    const weights = numbers(1, 2);
    const write = (manifest: object) =>
      writeFile(path, writeSafetensors({ w: weights }, { omma: JSON.stringify(manifest) }));
    const checksum = createHash('sha256').update(new Uint8Array(weights.data.buffer)).digest('hex');
    const { hooks, ...old } = content;
    await write({
      ...old,
      best: { metric: 'hits', value: 0.5, path: 'best.safetensors' },
      format: 1,
      checksum,
    });
    const { manifest, tensors } = await loadCheckpoint(path);
    expect(manifest).toEqual({ ...old, hooks, format: 2 });
    expect(tensors.get('w')).toEqual(weights);
    await write({ ...content, format: 1, checksum: checksum.replace(/./, 'x') });
    await expect(loadCheckpoint(path)).rejects.toThrow(/do not match the checksum/);
    await write({ ...content, format: 3, version: '0.9.0' });
    await expect(loadCheckpoint(path)).rejects.toThrow(
      /format 3, written by Omma 0\.9\.0; this Omma reads formats up to 2; update it/,
    );
    await write({ ...content, format: 2 });
    await expect(loadCheckpoint(path)).rejects.toThrow(/the file has lost its checksum/);
    await write({ ...content, format: 2, iteration: -1 });
    await expect(loadCheckpoint(path)).rejects.toThrow(/the manifest is damaged: iteration: /);
  });

  it('gives averaged weights where it has them, and the others on request', async () => {
    const path = join(await temporary(), 'a.safetensors');
    const tensors = { w: numbers(1), b: numbers(2), 'ema.w': numbers(3), 'run.random': numbers(4) };
    await saveCheckpoint(path, tensors, content);
    const weights = async (choice?: WeightChoice) =>
      Object.fromEntries(await loadModelWeights(path, choice === undefined ? {} : { choice }));
    expect(await weights()).toEqual({ b: numbers(2), w: numbers(3) });
    expect(await weights('raw')).toEqual({ b: numbers(2), w: numbers(1) });
    const { 'ema.w': _, ...plain } = tensors;
    await saveCheckpoint(path, plain, content);
    await expect(weights('ema')).rejects.toThrow(/it holds no averaged weights/);
  });

  it('is named when it is missing or not of a run', async () => {
    const folder = await temporary();
    await expect(loadCheckpoint(join(folder, 'none'))).rejects.toThrow(/none: cannot be read \(ENOENT\)/);
    const plain = join(folder, 'plain.safetensors');
    await writeFile(plain, writeSafetensors({ w: numbers(1) }));
    await expect(loadCheckpoint(plain)).rejects.toThrow(
      /plain\.safetensors: has weights but no Omma manifest/,
    );
  });

  it('gives a model its weights without the state of the run, and so does a file of PyTorch', async () => {
    const folder = await temporary();
    const own = join(folder, 'own.safetensors');
    await saveCheckpoint(
      own,
      { w: numbers(1, 2), 'optimizer.w.momentum': numbers(3), 'run.random': numbers(4) },
      content,
    );
    expect([...(await loadModelWeights(own))]).toEqual([['w', numbers(1, 2)]]);
    const foreign = join(folder, 'foreign.safetensors');
    const counter = hostTensor([], 'int32', Int32Array.of(7));
    await writeFile(
      foreign,
      writeSafetensors({ 'bn.weight': numbers(5), 'bn.num_batches_tracked': counter }),
    );
    expect([...(await loadModelWeights(foreign)).keys()]).toEqual(['bn.weight']);
  });
});

describe('restoring', () => {
  it('names missing, unexpected and mis-shaped tensors, the first of many, and changes nothing', async () => {
    const variables = ['a', 'b', 'c'].map((name) => new Variable(name, { shape: [2], dtype: 'float32' }));
    const tensors = new Map([
      ['a', numbers(1, 2)],
      ['b', numbers(1, 2, 3)],
      ['d', numbers(1)],
      ['e', numbers(1)],
    ]);
    const message =
      'file: does not fit the model; missing: c; unexpected: d, e; shapes differ: b: model float32[2], file float32[3]';
    await expect(restore('file', tensors, variables)).rejects.toThrow(message);
    for (const name of ['f', 'g', 'h']) tensors.set(name, numbers(1));
    await expect(restore('file', tensors, variables)).rejects.toThrow('unexpected: d, e, f and 2 more;');
    expect([...((await variables[0]?.download())?.data ?? [])]).toEqual([0, 0]);
  });
});
