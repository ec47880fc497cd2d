import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkConfig,
  formatMissing,
  isOpenMMLab,
  loadConfig,
  readConfigFile,
  toPlain,
  translateOpenMMLab,
} from '@omma/engine';
import { describe, expect, it } from 'vitest';
import '../src/index.ts';

const folder = mkdtemp(join(tmpdir(), 'omma-mmpretrain-'));

async function file(name: string, text: string): Promise<string> {
  const path = join(await folder, name);
  await writeFile(path, text);
  return path;
}

/** A classifier as MMPretrain's users write it. */
const classifier = `
data_preprocessor = dict(num_classes=5, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18, num_stages=4, out_indices=(3, ), norm_cfg=dict(type='BN', requires_grad=True)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead', num_classes=5, in_channels=512, topk=(1, 5),
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=112, crop_ratio_range=(0.35, 1.0), backend='pillow'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='ResizeEdge', scale=128, edge='short'),
    dict(type='CenterCrop', crop_size=(112, 112)),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=32, num_workers=2,
    dataset=dict(type='CustomDataset', data_root='data/flowers', data_prefix='train', pipeline=train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(
    batch_size=64, num_workers=2,
    dataset=dict(type='CustomDataset', data_root='data/flowers', data_prefix='val/', pipeline=test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='Accuracy', topk=(1, ))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
optim_wrapper = dict(
    type='AmpOptimWrapper', dtype='bfloat16', accumulative_counts=2,
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(norm_decay_mult=0., custom_keys={'backbone.layer4': dict(lr_mult=0.1)}),
    clip_grad=dict(max_norm=5.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.25, by_epoch=True, end=5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', T_max=95, begin=5, verbose=True),
]
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
val_cfg = dict()
test_cfg = dict()
default_scope = 'mmpretrain'
default_hooks = dict(
    timer=dict(type='IterTimerHook'), logger=dict(type='LoggerHook', interval=100),
    checkpoint=dict(type='CheckpointHook', interval=2, max_keep_ckpts=3, save_best='auto'))
randomness = dict(seed=7, deterministic=False)
load_from = None
resume = False
`;

describe('a config of MMPretrain', () => {
  it('trains as it is where everything in it has an equivalent', async () => {
    const config = await loadConfig(await file('resnet18.py', classifier));
    expect(config).toEqual({
      model: {
        type: 'ImageClassifier',
        backbone: { type: 'ResNet', depth: 18, numStages: 4, outIndices: [3] },
        neck: { type: 'GlobalAveragePooling' },
        head: { type: 'LinearClsHead', numClasses: 5, inChannels: 512, labelSmoothing: 0.1 },
        dataPreprocessor: { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] },
      },
      trainDataloader: {
        batchSize: 32,
        numWorkers: 2,
        dataset: {
          type: 'ImageFolder',
          root: 'data/flowers',
          split: 'train',
          transforms: [
            { type: 'RandomResizedCrop', size: 112, scale: [0.35, 1] },
            { type: 'RandomFlip', probability: 0.5 },
          ],
        },
        sampler: { type: 'DefaultSampler', shuffle: true },
      },
      valDataloader: {
        batchSize: 64,
        numWorkers: 2,
        dataset: {
          type: 'ImageFolder',
          root: 'data/flowers',
          split: 'val',
          transforms: [
            { type: 'Resize', size: 128 },
            { type: 'CenterCrop', size: 112 },
          ],
        },
        sampler: { type: 'DefaultSampler', shuffle: false },
      },
      valEvaluator: [{ type: 'Accuracy', topk: [1] }],
      optimWrapper: {
        amp: 'bfloat16',
        accumulativeCounts: 2,
        optimizer: { type: 'SGD', lr: 0.05, momentum: 0.9, weightDecay: 5e-4 },
        paramwiseConfig: { normDecayMult: 0, customKeys: { 'backbone.layer4': { lrMult: 0.1 } } },
        clipGrad: { maxNorm: 5 },
      },
      paramScheduler: [
        { type: 'LinearLR', startFactor: 0.25, byEpoch: true, end: 5, convertToIterBased: true },
        { type: 'CosineAnnealingLR', tMax: 95, begin: 5 },
      ],
      trainConfig: { maxEpochs: 100, valInterval: 1 },
      defaultHooks: { logger: { interval: 100 }, checkpoint: { interval: 2, maxKeep: 3, saveBest: 'auto' } },
      randomness: { seed: 7 },
      workDir: 'work_dirs/resnet18',
    });
  });

  it('is a base of a config of ours, and --set speaks of our names', async () => {
    await file('base.py', classifier);
    const path = await file('child.json', '{"extends": "base.py", "model": {"head": {"numClasses": 7}}}');
    const config = await loadConfig(path, { set: ['paramScheduler[1].tMax=50', 'model.backbone.depth=50'] });
    expect(config.model).toMatchObject({ backbone: { depth: 50 }, head: { numClasses: 7 } });
    expect(config.paramScheduler?.[1]).toMatchObject({ tMax: 50 });
  });

  it('lists exactly what has no equivalent, by its own path and place, and gives the rest', async () => {
    const path = await file(
      'mixup.py',
      `_base_ = 'base.py'
model = dict(backbone=dict(type='ResNet', drop_path_rate=0.05), train_cfg=dict(augments=dict(type='Mixup', alpha=0.2)))
train_dataloader = dict(
    collate_fn=dict(type='default_collate'),
    dataset=dict(pipeline=[dict(type='LoadImageFromFile'), dict(type='RandAugment', magnitude=9), dict(type='CenterCrop', crop_size=96, backend='cv2', auto_pad=True), dict(type='PackInputs')]),
    worker_init_fn=dict(type='Mine'))
custom_imports = dict(imports=['mine'])
`,
    );
    await file('base.py', classifier);
    const { config, missing } = translateOpenMMLab(await readConfigFile(path));
    expect(() => checkConfig(toPlain(config))).not.toThrow();
    const lines = missing.map((part) => formatMissing(part).replaceAll(/[^\s(]*\/(?=[^/\s]*\.py)/g, ''));
    expect(lines.map((line) => line.replace(/: (expected a|expected one).*(?= \()/, ': not known'))).toEqual([
      'custom_imports is {"imports":["mine"]}: Python modules are not imported; register types from TypeScript (mixup.py:7)',
      'model.backbone.drop_path_rate is 0.05: Omma has no such option (mixup.py:2)',
      'model.train_cfg is {"augments":{"type":"Mixup","alpha":0.2}}: Omma has no such option (mixup.py:2)',
      'train_dataloader.dataset.pipeline[1] is {"type":"RandAugment","magnitude":9}: not known (mixup.py:5)',
      'train_dataloader.dataset.pipeline[2].auto_pad is true: Omma has no such option (mixup.py:5)',
      'train_dataloader.worker_init_fn is {"type":"Mine"}: Omma has no such option (mixup.py:6)',
    ]);
    await expect(loadConfig(path)).rejects.toThrow(
      /mixup\.py is an OpenMMLab config, and 6 of its values have no equivalent in Omma/,
    );
  });

  it('with imported types is the same', async () => {
    const text = `from mmpretrain.models import ImageClassifier, ResNet
from torch.optim import SGD
model = dict(type=ImageClassifier, backbone=dict(type=ResNet, depth=18), head=dict(type='LinearClsHead', num_classes=2))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type=SGD, lr=0.1))
`;
    const config = await readConfigFile(await file('imports.py', text));
    expect(isOpenMMLab(config)).toBe(true);
    expect(toPlain(translateOpenMMLab(config).config)).toEqual({
      model: {
        type: 'ImageClassifier',
        backbone: { type: 'ResNet', depth: 18 },
        head: { type: 'LinearClsHead', numClasses: 2 },
      },
      optimWrapper: { optimizer: { type: 'SGD', lr: 0.1 } },
    });
  });
});
