import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, checkConfig, defineConfig, loadConfig, models } from '@omma/engine';
import { describe, expect, it } from 'vitest';
import '../src/index.ts';

const folder = join(import.meta.dirname, '../../../configs');
const configs = readdirSync(folder).filter((name) => name.endsWith('.ts'));

const good: Config = defineConfig({
  model: {
    type: 'ImageClassifier',
    backbone: { type: 'ResNet', depth: 18 },
    neck: { type: 'GlobalAveragePooling' },
    head: { type: 'LinearClsHead', numClasses: 5 },
  },
  trainDataloader: {
    dataset: {
      type: 'ImageFolder',
      root: 'flowers',
      split: 'train',
      transforms: [{ type: 'RandomResizedCrop', size: 112 }, { type: 'RandomFlip' }],
    },
    batchSize: 32,
  },
  valDataloader: {
    dataset: { type: 'ImageFolder', root: 'flowers', split: 'val', transforms: [] },
    batchSize: 32,
  },
  valEvaluator: [{ type: 'Accuracy', topk: [1, 5] }],
  optimWrapper: { optimizer: { type: 'SGD', lr: 0.1 } },
  trainConfig: { maxEpochs: 1 },
});

describe('a classification config', () => {
  it('is checked as it is', () => {
    expect(checkConfig(good)).toEqual(good);
  });

  it('names mistakes deep inside', () => {
    const bad = {
      ...good,
      model: {
        type: 'ImageClassifier',
        backbone: { type: 'Resnet', depth: 18 },
        head: { type: 'LinearClsHead', numClass: 5 },
      },
      trainDataloader: {
        batchSize: 32,
        dataset: {
          type: 'ImageFolder',
          root: 'flowers',
          split: 'train',
          transforms: [{ type: 'RandomFlip', probabilty: 1 }],
        },
      },
    };
    expect(() => checkConfig(bad)).toThrow(
      [
        'config has 4 mistakes:',
        '  model.backbone.type is "Resnet": expected a backbone, one of ResNet; did you mean ResNet?',
        '  model.head.numClasses is missing: expected number',
        '  model.head.numClass is 5: unknown key; did you mean numClasses?',
        '  trainDataloader.dataset.transforms[0].probabilty is 1: unknown key; did you mean probability?',
      ].join('\n'),
    );
  });

  it.each(configs)('in configs/%s is whole', async (name) => {
    const config = await loadConfig(join(folder, name));
    expect(models.build(config.model).parameters().length).toBeGreaterThan(50);
    for (const part of [
      'trainDataloader',
      'valDataloader',
      'valEvaluator',
      'optimWrapper',
      'trainConfig',
    ] as const)
      expect(config[part]).toBeDefined();
  });

  it('names a depth that does not exist', () => {
    const bad = { model: { ...good.model, backbone: { type: 'ResNet', depth: 19 } } };
    expect(() => checkConfig(bad)).toThrow(
      'model.backbone.depth is 19: expected 18 or 34 or 50 or 101 or 152',
    );
  });
});
