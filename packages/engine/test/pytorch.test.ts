/** PyTorch files: the shared fixtures, real checkpoints, hand-written pickles, and what must be refused. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBfloat16, fromFloat16 } from '@omma/core';
import { memorySource } from '@omma/storage';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import {
  describeValue,
  isPyTorchFile,
  loadTensor,
  type PickleValue,
  readPyTorch,
  stateDictOf,
  type WeightChoice,
} from '../src/index.ts';

const shared = join(import.meta.dirname, '../../../../shared/checkpoints');
const fixtures = join(shared, 'pt-reader-fixtures');
const file = (...path: string[]) => readFileSync(join(shared, ...path));
const read = (bytes: Uint8Array) => readPyTorch(memorySource(bytes));
const fixture = (name: string) => read(readFileSync(join(fixtures, name)));

/** The weights of a file in the host's dtypes. */
async function weightsOf(value: PickleValue, choice?: WeightChoice) {
  const entries = [...stateDictOf(value, choice)];
  return new Map(
    await Promise.all(entries.map(async ([name, tensor]) => [name, await loadTensor(name, tensor)] as const)),
  );
}

/** A zip file of `torch.save` around one pickle. */
function zipOf(pickle: readonly number[], storages: Readonly<Record<string, Uint8Array>> = {}): Uint8Array {
  const data = Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes]);
  return zipSync({ 'archive/data.pkl': Uint8Array.from(pickle), ...Object.fromEntries(data) }, { level: 0 });
}

const ascii = (text: string) => [...text].map((character) => character.charCodeAt(0));
const global = (module: string, name: string) => [0x63, ...ascii(`${module}\n${name}\n`)];
const text = (value: string) => [0x8c, value.length, ...ascii(value)];
const stop = 0x2e;

/** Pickle of a float tensor: storage '0' of `elements`, with offset, size and stride of one axis. */
function tensorPickle(elements: number, offset: number, size: number, stride: number): number[] {
  return [
    ...[0x80, 2, 0x7d],
    ...text('w'),
    ...global('torch._utils', '_rebuild_tensor_v2'),
    ...[0x28, 0x28],
    ...text('storage'),
    ...global('torch', 'FloatStorage'),
    ...text('0'),
    ...text('cpu'),
    ...[
      0x4b,
      elements,
      0x74,
      0x51,
      0x4b,
      offset,
      0x4a,
      size & 255,
      (size >> 8) & 255,
      (size >> 16) & 255,
      size >> 24,
    ],
    ...[0x85, 0x4b, stride, 0x85, 0x89, 0x7d, 0x74, 0x52, 0x73, stop],
  ];
}

const four = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

describe('a zip file', () => {
  it('gives tensors as views of their storage', async () => {
    const view = async (...place: [number, number, number]) => {
      const weights = await weightsOf(await read(zipOf(tensorPickle(4, ...place), { 0: four })));
      return [...(weights.get('w')?.data ?? [])];
    };
    expect(await view(0, 4, 1)).toEqual([1, 2, 3, 4]);
    expect(await view(1, 2, 2)).toEqual([2, 4]);
    expect(await view(3, 3, 0)).toEqual([4, 4, 4]);
    expect(await view(0, 0, 1)).toEqual([]);
  });

  it.each([
    [
      'a view beyond its storage',
      zipOf(tensorPickle(4, 2, 3, 1), { 0: four }),
      /^PyTorch file: tensor w reaches element 4 of a storage that has 4$/,
    ],
    [
      'a view that would fill memory',
      zipOf(tensorPickle(4, 0, 2 ** 31 - 1, 0), { 0: four }),
      /tensor w would take 8589934588 bytes$/,
    ],
    [
      'a storage of another size',
      zipOf(tensorPickle(5, 0, 4, 1), { 0: four }),
      /storage 0 should have 20 bytes but has 16$/,
    ],
    ['a missing storage', zipOf(tensorPickle(4, 0, 4, 1)), /the archive holds no numbers for storage 0$/],
    [
      'another class',
      zipOf([0x80, 2, ...global('os', 'system'), ...text('ls'), 0x85, 0x52, stop]),
      /it asks for os\.system, which weights do not need/,
    ],
    [
      'a class of builtins',
      zipOf([0x80, 2, ...global('builtins', 'eval'), stop]),
      /it asks for builtins\.eval/,
    ],
    [
      'an opcode that makes instances',
      zipOf([0x28, 0x69, ...ascii('os\nsystem\n'), stop]),
      /byte 1 is 0x69, which is no opcode of a pickle$/,
    ],
    [
      'a cut pickle',
      zipOf([0x80, 2, 0x58, 255, 255, 255, 255]),
      /the file ends at byte 7, within 4294967295 bytes that begin at 7$/,
    ],
    ['an empty stack', zipOf([0x80, 2, 0x85, stop]), /takes a value from an empty stack$/],
    ['an unknown memo', zipOf([0x80, 2, 0x68, 3, stop]), /refers to value 3, which it has not stored$/],
    ['an archive without a pickle', zipSync({ 'archive/other': four }), /the archive holds no data\.pkl$/],
    [
      'a TorchScript program',
      zipSync({ 'a/constants.pkl': four, 'a/code/x.py': four }),
      /it is a TorchScript program/,
    ],
    [
      'a bomb',
      zipSync({ 'archive/data.pkl': new Uint8Array(1 << 22) }),
      /would grow to more than 16 times its size$/,
    ],
    [
      'half an archive',
      zipOf(tensorPickle(4, 0, 4, 1), { 0: four }).subarray(0, 100),
      /^the file is no zip archive, or damaged \(/,
    ],
    ['text', new TextEncoder().encode('hello'), /^PyTorch file: 5 bytes that are no file of torch\.save$/],
  ])('%s is refused in one line', async (_, bytes, message) => {
    await expect(read(bytes).then((value) => weightsOf(value))).rejects.toThrow(message);
  });
});

/** What PyTorch 2.15 reads from the fixtures: dtype, shape, numbers by name. Written by hand-run torch.load, not by this reader. */
const expected: Readonly<Record<string, Readonly<Record<string, Expected>> | string>> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/pytorch.json'), 'utf8'),
);

interface Expected {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}

/** Numbers as the record has them: 16-bit floats decoded, the three that JSON lacks as text. */
function plain(dtype: string, data: readonly number[]): (number | string)[] {
  const decode = dtype === 'float16' ? fromFloat16 : dtype === 'bfloat16' ? fromBfloat16 : (x: number) => x;
  return data.map((x) => (Number.isFinite(decode(x)) ? decode(x) : String(decode(x))));
}

describe.skipIf(!existsSync(fixtures))(`the shared fixtures (skipped where ${fixtures} is missing)`, () => {
  it('are all in the record', () => {
    const files = readdirSync(fixtures).filter(
      (name) => /\.(pt|tar)$/.test(name) && name !== 'large_shape.pt',
    );
    expect(files.sort()).toEqual(Object.keys(expected).sort());
  });

  it('a tensor of 100 x 100', async () => {
    const data = [...((await weightsOf(await fixture('large_shape.pt'))).get('tensor')?.data ?? [])];
    expect([data.length, data[0], data.at(-1), data.reduce((a, b) => a + b, 0)]).toEqual([10000, 1, 3, 6]);
  });

  it.each(Object.entries(expected))('%s', async (name, record) => {
    if (typeof record === 'string') {
      await expect(fixture(name)).rejects.toThrow(record);
      return;
    }
    const actual = [...(await weightsOf(await fixture(name)))].map(([key, { dtype, shape, data }]) => [
      key,
      { dtype, shape, data: plain(dtype, [...data]) },
    ]);
    expect(Object.fromEntries(actual)).toEqual(record);
  });
});

const real = [
  ['imagenet/mobilenet_v2_torchvision.pth', 314, 'features.0.0.weight', 'float32'],
  ['imagenet/squeezenet1_1_torchvision.pth', 52, 'features.0.weight', 'float32'],
  ['imagenet/mobilenet_v2_mmpretrain_fp16.pth', 314, 'backbone.conv1.conv.weight', 'float16'],
  ['resnet-cifar10/resnet20-12fca82f.th', 97, 'conv1.weight', 'float32'],
  ['yolox-nano/yolox_nano_mmdet_layout.pth', 642, 'backbone.stem.conv.conv.weight', 'float32'],
] as const;

/** Saved by mmengine 0.10.7 after two epochs with SGD, a cosine schedule and an EMA hook. */
const mmengine = join(import.meta.dirname, 'fixtures/mmengine-0.10.7.pth');

describe('a checkpoint of MMEngine', () => {
  it('has its meta, optimiser, schedules and message hub as data', async () => {
    const value = await read(readFileSync(mmengine));
    expect(describeValue(value)).toMatchObject({
      meta: { epoch: 2, iter: 8, mmengine_version: '0.10.7' },
      param_schedulers: [{ T_max: 2 }],
      message_hub: { runtime_info: { max_epochs: 2 } },
      optimizer: { param_groups: [{ lr: 0.05, momentum: 0.9 }] },
    });
  });

  it('gives its averages, which EMAHook saves in place of the weights, and the weights on request', async () => {
    const value = await read(readFileSync(mmengine));
    const [averaged, raw] = [await weightsOf(value), await weightsOf(value, 'raw')];
    expect([...averaged.keys()].sort()).toEqual([...raw.keys()].sort());
    // What torch.load gives for state_dict and for ema_state_dict's module.fc.bias.
    expect([...(averaged.get('fc.bias')?.data ?? [])]).toEqual([0.0857439637184143, 0.2520003914833069]);
    expect([...(raw.get('fc.bias')?.data ?? [])]).toEqual([0.08574405312538147, 0.25200045108795166]);
  });
});

describe('other layouts', () => {
  it('reads the averaged weights of OpenMMLab and its meta as data', async () => {
    const pickle = [0x80, 2, 0x7d, 0x28, ...text('meta'), 0x7d, ...text('epoch'), 0x4b, 12, 0x73];
    const value = await read(
      zipOf(
        [
          ...pickle,
          ...text('ema_state_dict'),
          0x7d,
          ...text('module.w'),
          ...tensorPickle(4, 0, 4, 1).slice(5 + text('w').length - 2, -2),
          0x73,
          0x75,
          stop,
        ],
        { 0: four },
      ),
    );
    expect(describeValue(value)).toEqual({
      meta: { epoch: 12 },
      ema_state_dict: { 'module.w': 'tensor F32 [4]' },
    });
    expect([...((await weightsOf(value, 'ema')).get('w')?.data ?? [])]).toEqual([1, 2, 3, 4]);
  });
});

describe.skipIf(!existsSync(shared))(`real checkpoints (skipped where ${shared} is missing)`, () => {
  it.each(real)('%s', async (path, count, first, dtype) => {
    const bytes = file(path);
    expect(await isPyTorchFile(memorySource(bytes))).toBe(true);
    const weights = await weightsOf(await read(bytes));
    expect(weights.size).toBe(count);
    expect(weights.get(first)?.dtype).toBe(dtype);
    const unsound = [...weights].filter(([, { data, dtype: type }]) =>
      plain(type, [...data]).includes('NaN'),
    );
    expect(unsound.map(([name]) => name)).toEqual([]);
  });
});
