/** initConfig of a classifier's parts, weights of a file for one of them, and what the preprocessor does besides normalising. */

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluate, hostTensor, Tensor } from '@omma/core';
import { type Config, checkConfig, loadConfig, models, Runner, type RunnerEvent } from '@omma/engine';
import { HostRandom, writeSafetensors } from '@omma/nn';
import { describe, expect, it } from 'vitest';
import {
  type DataPreprocessorOptions,
  GlobalAveragePooling,
  ImageClassifier,
  LinearClsHead,
  ResNet,
} from '../src/index.ts';

const folder = mkdtemp(join(tmpdir(), 'omma-init-'));

const backbone = {
  type: 'ResNet',
  depth: 18,
  baseChannels: 4,
  stemChannels: 4,
  zeroInitResidual: true,
} as const;
const head = { type: 'LinearClsHead', numClasses: 3 } as const;
const model = { type: 'ImageClassifier', backbone, head } as const;

const first = (config: Config['model']): Record<string, number> =>
  Object.fromEntries(
    models
      .build(config)
      .namedParameters()
      .map(([name, { initializer, shape }]) => [
        name,
        initializer(shape, new HostRandom(0, 1))[0] ?? Number.NaN,
      ]),
  );

describe('initConfig', () => {
  it('draws the part that has it, and leaves zeroInitResidual be', () => {
    const constants = first({
      ...model,
      backbone: { ...backbone, initConfig: { type: 'Constant', val: 2, layer: ['Conv2d', '_BatchNorm'] } },
      head: { ...head, initConfig: [{ type: 'Constant', val: 3, layer: 'Linear', bias: 4 }] },
    });
    expect(constants).toMatchObject({
      'backbone.conv1.weight': 2,
      'backbone.layer1.0.bn1.weight': 2,
      'backbone.layer1.0.bn2.weight': 0,
      'head.fc.weight': 3,
      'head.fc.bias': 4,
    });
  });

  it('is checked with the rest of the config', () => {
    const wrong = {
      ...model,
      head: { ...head, initConfig: { type: 'Kaiming', layer: 'Linear', mode: 'fan_in' } },
    };
    expect(() => checkConfig({ model: wrong })).toThrow(/model\.head\.initConfig/);
  });

  it('starts a part from a file, below a prefix, and says what did not fit', async () => {
    const whole = models.build(model).assignNames();
    const tensors = [...whole.parameters(), ...whole.buffers()]
      .filter(({ name }) => name.startsWith('backbone.'))
      .map(
        ({ name, shape }) =>
          [
            `teacher.${name}`,
            hostTensor(shape, 'float32', new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(7)),
          ] as const,
      );
    const path = join(await folder, 'teacher.safetensors');
    await writeFile(path, writeSafetensors(Object.fromEntries(tensors)));
    const events: RunnerEvent[] = [];
    const initConfig = { type: 'Pretrained', checkpoint: path, prefix: 'teacher.backbone' } as const;
    const config: Config = {
      model: { ...model, backbone: { ...backbone, initConfig } },
      device: 'reference',
    };
    const runner = await Runner.create(config, { onEvent: (event) => void events.push(event) });
    try {
      await runner.firstWeights();
      const numbers = async (name: string) => {
        const [, parameter] = runner.model.namedParameters().find(([known]) => known === name) ?? [];
        return [...((await parameter?.download())?.data ?? [])].slice(0, 2);
      };
      expect(await numbers('backbone.layer2.0.conv1.weight')).toEqual([7, 7]);
      expect(await numbers('head.fc.weight')).not.toEqual([7, 7]);
      expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
    } finally {
      await runner.dispose();
    }
  });

  it("is OpenMMLab's init_cfg, and rgbToBgr its to_rgb", async () => {
    const path = join(await folder, 'config.py');
    await writeFile(
      path,
      `
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18, init_cfg=[
        dict(type='Kaiming', layer=['Conv2d'], mode='fan_out', nonlinearity='leaky_relu', a=0.1),
        dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm'])]),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=3, in_channels=512,
              init_cfg=dict(type='Normal', layer='Linear', std=0.02, bias_prob=0.1)))
data_preprocessor = dict(mean=[103.53, 116.28, 123.675], std=[1, 1, 1], to_rgb=False)
default_scope = 'mmpretrain'
`,
    );
    expect((await loadConfig(path)).model).toMatchObject({
      dataPreprocessor: { rgbToBgr: true },
      backbone: {
        initConfig: [
          { type: 'Kaiming', layer: ['Conv2d'], mode: 'fanOut', nonlinearity: 'leakyRelu', a: 0.1 },
          { type: 'Constant', val: 1, layer: ['_BatchNorm', 'GroupNorm'] },
        ],
      },
      head: { initConfig: { type: 'Normal', layer: 'Linear', std: 0.02, biasProb: 0.1 } },
    });
  });
});

describe('the preprocessor', () => {
  async function preprocessed(
    options: Partial<DataPreprocessorOptions>,
  ): Promise<{ shape: readonly number[]; data: number[] }> {
    const net = new ResNet({ depth: 18 });
    const classifier = new ImageClassifier({
      backbone: net,
      neck: new GlobalAveragePooling(),
      head: new LinearClsHead({ numClasses: 2, inChannels: net.outChannels }),
      dataPreprocessor: { mean: [10, 20, 30], std: [1, 2, 5], ...options },
    });
    const host = hostTensor([1, 1, 2, 3], 'uint8', Uint8Array.of(11, 24, 40, 12, 22, 35));
    const [result] = await evaluate(
      [classifier.preprocess(new Tensor(host, { kind: 'host', host }))],
      'reference',
    );
    return { shape: result?.shape ?? [], data: [...(result?.data ?? [])].map(Number) };
  }

  it('normalises by channel', async () => {
    expect(await preprocessed({})).toEqual({ shape: [1, 3, 1, 2], data: [1, 2, 2, 1, 2, 1] });
  });

  it('turns red, green, blue around before it does', async () => {
    expect((await preprocessed({ rgbToBgr: true })).data).toEqual(
      [30, 25, 2, 1, -19 / 5, -18 / 5].map(Math.fround),
    );
  });

  it('pads below and at the right to a multiple', async () => {
    const { shape, data } = await preprocessed({ padSizeDivisor: 3, padValue: 9 });
    expect(shape).toEqual([1, 3, 3, 3]);
    expect(data.slice(0, 9)).toEqual([1, 2, 9, 9, 9, 9, 9, 9, 9]);
  });
});
