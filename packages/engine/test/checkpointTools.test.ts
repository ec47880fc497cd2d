/** Inspecting, converting, comparing and publishing files of weights. What PyTorch makes of a written .pth was checked with 1.13 and 2.15. */

import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostTensor } from '@omma/core';
import { fileSource } from '@omma/storage';
import { describe, expect, it } from 'vitest';
import {
  convertWeights,
  describeValue,
  inspectWeights,
  loadCheckpoint,
  loadModelWeights,
  parseRewrite,
  publishWeights,
  readPyTorch,
  saveCheckpoint,
  storedTensor,
  tensorsOf,
  weightDifference,
  writePyTorchFile,
  writeSafetensorsFile,
} from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';

const numbers = (...values: number[]) => hostTensor([values.length], 'float32', Float32Array.from(values));
const mmengine = join(import.meta.dirname, 'fixtures/mmengine-0.10.7.pth');

/** A checkpoint with averages and optimiser state in a folder of its own. */
async function checkpoint(): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'omma-tools-'));
  const path = join(folder, 'best.safetensors');
  const tensors = {
    'fc.weight': numbers(1, -2, Number.NaN),
    'fc.bias': numbers(0.1),
    'ema.fc.weight': numbers(1, -1, 70000),
    'optimizer.fc.bias.momentum': numbers(3),
  };
  await saveCheckpoint(path, tensors, {
    version: '0.1.0',
    epoch: 3,
    iterationInEpoch: 0,
    iteration: 12,
    evaluationDue: false,
    seed: 1,
    hooks: { CheckpointHook: [{ metric: 'hits', value: 0.5, path: 'secret/best.safetensors' }] },
    metrics: { hits: 0.5 },
    classes: ['a', 'ü'],
    inputs: {},
    config: tinyConfig('secret/work'),
  });
  return { folder, path };
}

describe('inspecting', () => {
  it('tells parts, statistics and values that are not finite', async () => {
    const { path } = await checkpoint();
    const { format, checksum, manifest, tensors } = await inspectWeights(path, { numbers: true });
    expect([format, checksum, manifest?.epoch]).toEqual(['Omma checkpoint', 'verified', 3]);
    expect(Object.fromEntries(tensors.map(({ name, part }) => [name, part]))).toEqual({
      'fc.weight': 'weights',
      'fc.bias': 'weights',
      'ema.fc.weight': 'ema',
      'optimizer.fc.bias.momentum': 'optimizer',
    });
    expect(tensors.find(({ name }) => name === 'fc.weight')?.statistics).toEqual({
      count: 3,
      nonFinite: 1,
      min: -2,
      max: 1,
      mean: -0.5,
      std: 1.5,
    });
  });

  it('tells the parts and the meta of a file of MMEngine', async () => {
    const { format, checksum, metadata, tensors } = await inspectWeights(mmengine, { numbers: true });
    expect([format, checksum, metadata.epoch]).toEqual(['PyTorch', 'crc32', 2]);
    expect(new Set(tensors.map(({ part }) => part))).toEqual(
      new Set(['state_dict', 'optimizer', 'ema_state_dict']),
    );
  });
});

describe('converting', () => {
  it('keeps every dtype, in a .pth and back', async () => {
    const { folder } = await checkpoint();
    const dtypes = [
      'F64',
      'F32',
      'F16',
      'BF16',
      'F8_E4M3',
      'F8_E5M2',
      'I64',
      'I32',
      'I16',
      'I8',
      'U64',
      'U32',
      'U16',
      'U8',
      'BOOL',
    ] as const;
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i % 2);
    const tensors = new Map(
      dtypes.map((dtype) => {
        const width = /64/.test(dtype) ? 8 : /32/.test(dtype) ? 4 : /16/.test(dtype) ? 2 : 1;
        return [dtype, { dtype, shape: [2, 8 / width], read: async () => bytes }] as const;
      }),
    );
    const [first, second, third] = ['a.safetensors', 'b.pth', 'c.safetensors'].map((name) =>
      join(folder, name),
    );
    if (first === undefined || second === undefined || third === undefined) throw new Error('no paths');
    await writeSafetensorsFile(first, tensors, { note: 'kept' });
    await convertWeights(first, second);
    await convertWeights(second, third);
    const { equal, different, retyped } = await weightDifference(first, third);
    expect([equal, different, retyped]).toEqual([dtypes.length, [], []]);
    expect((await inspectWeights(third, { numbers: false })).metadata).toMatchObject({ note: 'kept' });
  });

  it('writes what plain data and tensors PyTorch would read', async () => {
    const { folder } = await checkpoint();
    const path = join(folder, 'a.pth');
    const meta = { text: 'ü', whole: -3, large: 2 ** 40, float: 1.5, none: null, list: [true, false] };
    await writePyTorchFile(path, { meta, state_dict: new Map([['w', storedTensor(numbers(1, 2))]]) });
    const source = await fileSource(path);
    const value = await readPyTorch(source);
    expect(describeValue(value)).toEqual({ meta, state_dict: { w: 'tensor F32 [2]' } });
    expect([...tensorsOf(value).keys()]).toEqual(['state_dict.w']);
    await source.close();
  });

  it('takes the averages, and says which tensors the new dtype cannot hold', async () => {
    const { folder, path } = await checkpoint();
    const out = join(folder, 'half.safetensors');
    expect(await convertWeights(path, out, { dtype: 'F16' })).toMatchObject({
      tensors: 2,
      overflowed: ['fc.weight'],
    });
    expect((await loadModelWeights(out)).get('fc.weight')?.dtype).toBe('float16');
    await convertWeights(path, out, { choice: 'raw' });
    expect([...((await loadModelWeights(out)).get('fc.weight')?.data ?? [])]).toEqual([1, -2, Number.NaN]);
  });

  it('makes the folder that the output is to lie in, or says in one line that it cannot', async () => {
    const { folder, path } = await checkpoint();
    for (const name of ['half.safetensors', 'half.pth']) {
      const out = join(folder, 'a', name.slice(-3), name);
      expect((await convertWeights(path, out)).path).toBe(out);
      expect((await loadModelWeights(out)).size).toBe(2);
    }
    await expect(convertWeights(path, join(path, 'half.pth'))).rejects.toThrow(
      /^\S+best\.safetensors\/half\.pth: cannot write \(ENOTDIR\); check that the folder can be made/,
    );
  });

  it('rewrites names, and refuses two tensors of one name', async () => {
    const { folder, path } = await checkpoint();
    const out = join(folder, 'new.safetensors');
    await convertWeights(path, out, { prefix: 'fc.', rewrites: [parseRewrite('^(\\w+)$=>head.$1')] });
    expect([...(await loadModelWeights(out)).keys()].sort()).toEqual(['head.bias', 'head.weight']);
    await expect(convertWeights(path, out, { rewrites: [parseRewrite('.*=>w')] })).rejects.toThrow(
      /best\.safetensors: fc\.bias and fc\.weight would both be named w|fc\.weight and fc\.bias would both be named w/,
    );
    await expect(convertWeights(path, out, { prefix: 'head.' })).rejects.toThrow(
      /no tensor's name begins with head\.; the names begin with fc/,
    );
    await expect(convertWeights(path, path)).rejects.toThrow(/best\.safetensors: is the input itself/);
    await expect(convertWeights(path, join(folder, 'a.onnx'))).rejects.toThrow(
      /expected is \.safetensors, \.pth or \.pt/,
    );
    expect(() => parseRewrite('(=>a')).toThrow(/Unterminated group/);
  });

  it('of a damaged file leaves nothing behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'omma-tools-'));
    const path = join(folder, 'bad.pth');
    await copyFile(mmengine, path);
    const bytes = await readFile(path);
    // The first storage begins at a multiple of 64 after its name.
    const place = Math.ceil((bytes.indexOf('archive/data/0') + 14 + 4) / 64) * 64;
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await expect(convertWeights(path, join(folder, 'out.safetensors'))).rejects.toThrow(/bad\.pth: .*CRC-32/);
    expect(await readdir(folder)).toEqual(['bad.pth']);
  });
});

describe('publishing', () => {
  it('strips the state of the run and private paths, and names the file by its contents', async () => {
    const { folder, path } = await checkpoint();
    const { path: published } = await publishWeights(path, undefined, {});
    expect(published).toMatch(/best-[0-9a-f]{8}\.safetensors$/);
    const digest = createHash('sha256')
      .update(await readFile(published))
      .digest('hex');
    expect(published).toContain(digest.slice(0, 8));
    const { manifest, tensors } = await loadCheckpoint(published);
    expect([...tensors.keys()].sort()).toEqual(['fc.bias', 'fc.weight']);
    expect(manifest.classes).toEqual(['a', 'ü']);
    expect((await readFile(published)).includes('secret')).toBe(false);
    const { path: pth } = await publishWeights(path, join(folder, 'model.pth'), { choice: 'ema' });
    const { manifest: same, metadata } = await inspectWeights(pth, { numbers: true });
    expect(same).toEqual(manifest);
    expect(metadata).toMatchObject({ epoch: 3, iter: 12, CLASSES: ['a', 'ü'] });
    await expect(publishWeights(published, undefined, { choice: 'ema' })).rejects.toThrow(
      /holds no averaged weights/,
    );
  });
});

describe('comparing', () => {
  it('tells names, shapes and the largest differences', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'omma-tools-'));
    const write = (name: string, tensors: Record<string, ReturnType<typeof numbers>>) =>
      writeSafetensorsFile(
        join(folder, name),
        new Map(Object.entries(tensors).map(([key, value]) => [key, storedTensor(value)])),
        {},
      );
    const a = await write('a.safetensors', {
      same: numbers(1, Number.NaN),
      b: numbers(2, 4),
      c: numbers(1),
      only: numbers(1),
    });
    const b = await write('b.safetensors', {
      same: numbers(1, Number.NaN),
      b: numbers(2, 3),
      c: numbers(1, 2),
      new: numbers(1),
    });
    expect(await weightDifference(a, b)).toEqual({
      onlyInFirst: ['only'],
      onlyInSecond: ['new'],
      misshaped: [{ name: 'c', shapes: [[1], [2]] }],
      different: [
        { name: 'b', dtypes: ['F32', 'F32'], shape: [2], maxAbs: 1, maxRelative: 0.25, meanAbs: 0.5 },
      ],
      retyped: [],
      equal: 1,
    });
  });
});
