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

/** What becomes of `text` on top of the classifier: the keys of the result that it sets, and lines of what has no equivalent. */
async function translated(text: string, ...keys: readonly string[]) {
  await file('base.py', classifier);
  const { config, missing } = translateOpenMMLab(
    await readConfigFile(await file('extra.py', `_base_ = 'base.py'\n${text}`)),
  );
  const values = checkConfig(toPlain(config));
  const lines = missing.map(({ path, reason }) => `${path}: ${reason}`);
  return { values: Object.fromEntries(Object.entries(values).filter(([key]) => keys.includes(key))), lines };
}

describe('a data set of MMPretrain', () => {
  it("keeps its list and its classes; MMEngine's own switches leave the list, a subset and missing labels are told", async () => {
    const { values, lines } = await translated(
      `train_dataloader = dict(dataset=dict(
    _delete_=True, type='CustomDataset', data_root='data/flowers', pipeline=[],
    ann_file='meta/train.json', data_prefix=dict(img_path='train'), metainfo=dict(classes=('a', 'b')), with_label=False,
    test_mode=False, lazy_init=True, serialize_data=True, max_refetch=10, filter_cfg=None, indices=100))
`,
      'trainDataloader',
    );
    expect(values).toMatchObject({
      trainDataloader: { dataset: { annFile: 'meta/train.json', split: 'train', classes: ['a', 'b'] } },
    });
    expect(lines).toEqual([
      'train_dataloader.dataset.indices: put the data set into a SubsetDataset',
      'train_dataloader.dataset.with_label: Omma has no training without labels',
    ]);
  });
});

describe('transforms of MMPretrain', () => {
  it('that change pixels keep their options; colours turn from blue, green, red to red first', async () => {
    const { values, lines } = await translated(
      `train_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImageFromFile'),
    dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, backend='pillow'),
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True),
    dict(type='RandomErasing', erase_prob=0.25, mode='rand', min_area_ratio=0.02, max_area_ratio=1 / 3,
        fill_color=[103.53, 116.28, 123.675], fill_std=[57.375, 57.12, 58.395]),
    dict(type='RandomErasing', max_area_ratio=0.5),
    dict(type='Lighting', eigval=[1, 1, 1]),
]))
`,
      'trainDataloader',
    );
    expect(values).toMatchObject({
      trainDataloader: {
        dataset: {
          transforms: [
            { type: 'ColorJitter', brightness: 0.4, contrast: 0.4, saturation: 0.4 },
            { type: 'RandomGrayscale', probability: 0.2 },
            {
              type: 'RandomErasing',
              probability: 0.25,
              mode: 'rand',
              areaRatio: [0.02, 1 / 3],
              fillColor: [123.675, 116.28, 103.53],
              fillStd: [58.395, 57.12, 57.375],
            },
            { type: 'RandomErasing', areaRatio: [0.02, 0.5] },
          ],
        },
      },
    });
    expect(lines).toEqual([
      expect.stringMatching(/pipeline\[5\].*: expected a transform, one of CenterCrop, /),
    ]);
  });
});

describe('what surrounds the model in a config of MMEngine', () => {
  it('hooks: averages, early stopping and profiles keep their options; what Omma does anyway leaves the list', async () => {
    const { values, lines } = await translated(
      `custom_hooks = [
    dict(type='EMAHook', ema_type='mmdet.ExpMomentumEMA', momentum=1e-4, gamma=2000, update_buffers=True, strict_load=False, begin_epoch=0, priority=49),
    dict(type='EMAHook', momentum=4e-5, begin_iter=100, begin_epoch=0, priority='ABOVE_NORMAL'),
    dict(type='EarlyStoppingHook', monitor='accuracy/top1', min_delta=0.005, patience=3, rule=None, stopping_threshold=None),
    dict(type='SyncBuffersHook'), dict(type='EmptyCacheHook', after_epoch=True), dict(type='NumClassCheckHook'),
    dict(type='ProfilerHook', by_epoch=False, profile_times=5, activity_with_cuda=True, json_trace_path='trace.json'),
    dict(type='NPUProfilerHook', begin=3, end=5, result_path='cann_profiling'),
]
`,
      'customHooks',
    );
    expect(lines).toEqual([]);
    expect(values).toEqual({
      customHooks: [
        {
          type: 'EMAHook',
          emaType: 'ExpMomentumEMA',
          momentum: 1e-4,
          gamma: 2000,
          updateBuffers: true,
          priority: 49,
        },
        { type: 'EMAHook', momentum: 4e-5, beginIter: 100, priority: 'ABOVE_NORMAL' },
        { type: 'EarlyStoppingHook', monitor: 'accuracy/top1', minDelta: 0.005, patience: 3 },
        { type: 'ProfilerHook', schedule: { active: 5 }, jsonTracePath: 'trace.json' },
        { type: 'ProfilerHook', schedule: { wait: 3, active: 2 }, exitAfterProfiling: true },
      ],
    });
  });

  it('test-time augmentation: the views of TestTimeAug, and the data for them where it is not that of the test', async () => {
    const loaders = (resize: string) => `
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='ResizeEdge', scale=256, edge='short'), dict(type='CenterCrop', crop_size=224), dict(type='PackInputs')]
test_dataloader = dict(batch_size=8, dataset=dict(type='ImageNet', data_root='data', split='val', pipeline=test_pipeline))
tta_model = dict(type='mmpretrain.AverageClsScoreTTA')
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    ${resize}
    dict(type='TestTimeAug', transforms=[
        [dict(type='CenterCrop', crop_size=224)],
        [dict(type='RandomFlip', prob=1.), dict(type='RandomFlip', prob=0.)],
        [dict(type='PackInputs')]])]
`;
    const mirrored = [
      { type: 'RandomFlip', probability: 1 },
      { type: 'RandomFlip', probability: 0 },
    ];
    const same = await translated(
      loaders("dict(type='ResizeEdge', scale=256, edge='short'),"),
      'ttaModel',
      'ttaDataloader',
    );
    expect(same.values).toEqual({ ttaModel: { type: 'AverageClsScoreTTA', transforms: [mirrored] } });
    const other = await translated(
      loaders("dict(type='ResizeEdge', scale=320, edge='short'),"),
      'ttaModel',
      'ttaDataloader',
    );
    expect(other.values).toMatchObject({
      ttaModel: { transforms: [mirrored] },
      ttaDataloader: {
        batchSize: 8,
        dataset: {
          type: 'ImageFolder',
          transforms: [
            { type: 'Resize', size: 320 },
            { type: 'CenterCrop', size: 224 },
          ],
        },
      },
    });
    const anySize = await translated(
      `tta_pipeline = [dict(type='LoadImageFromFile'), dict(type='TestTimeAug', transforms=[[dict(type='Resize', scale=(256, 256)), dict(type='Resize', scale=(320, 320))]])]`,
      'ttaModel',
    );
    expect(anySize.lines).toEqual([
      'tta_pipeline: Omma makes views of pictures of one size: let the pipeline before TestTimeAug, or its first stage, give them one',
    ]);
  });

  it('hooks: what they say beyond that is listed', async () => {
    const { values, lines } = await translated(
      `custom_hooks = [dict(type='ProfilerHook', profile_times=2), dict(type='EMAHook', evaluate_on_origin=True), dict(type='Mine')]
default_hooks = dict(checkpoint=dict(by_epoch=False, save_optimizer=False))
`,
      'customHooks',
    );
    expect(values).toEqual({ customHooks: [{ type: 'ProfilerHook' }, { type: 'EMAHook' }] });
    expect(lines.map((line) => line.replace(/expected a hook.*/, 'not known'))).toEqual([
      'custom_hooks[0].profile_times: counts epochs unless by_epoch=False, and Omma profiles steps',
      'custom_hooks[1].evaluate_on_origin: Omma has no such option',
      'custom_hooks[2]: not known',
      'default_hooks.checkpoint.by_epoch: Omma counts as the run does: interval in its unit, intervalIterations in iterations',
      'default_hooks.checkpoint.save_optimizer: a checkpoint can always be resumed from; publish writes the weights alone',
    ]);
  });

  it('a run by iterations counts its checkpoints in iterations', async () => {
    const { values, lines } = await translated(
      `train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=80000, val_interval=8000)
default_hooks = dict(checkpoint=dict(_delete_=True, type='CheckpointHook', by_epoch=False, interval=4000, save_best=None, rule=None, out_dir=None))
`,
      'trainConfig',
      'defaultHooks',
    );
    expect(lines).toEqual([]);
    expect(values).toEqual({
      trainConfig: { maxIters: 80_000, valInterval: 8000 },
      defaultHooks: { logger: { interval: 100 }, checkpoint: { interval: 4000, saveBest: null } },
    });
  });

  it('weights to start from take what fits, as in MMEngine; the learning rate is scaled; batch norm spans ranks', async () => {
    const { values, lines } = await translated(
      "load_from = 'r18.pth'\nauto_scale_lr = dict(base_batch_size=256)\nsync_bn = 'torch'\nrandomness = dict(diff_rank_seed=True)\n",
      'loadFrom',
      'autoScaleLr',
      'syncBn',
    );
    expect(lines).toEqual([]);
    expect(values).toEqual({
      loadFrom: { checkpoint: 'r18.pth', strict: false },
      autoScaleLr: { baseBatchSize: 256, enable: false },
      syncBn: true,
    });
    expect(
      (await translated('auto_scale_lr = dict(enable=True, base_batch_size=64)', 'autoScaleLr')).values,
    ).toEqual({ autoScaleLr: { enable: true, baseBatchSize: 64 } });
  });

  it('resume is resume, but for a checkpoint of elsewhere', async () => {
    expect(await translated('resume = True', 'resume')).toEqual({ values: { resume: true }, lines: [] });
    const both = await translated("resume = True\nload_from = 'open-mmlab://resnet50'", 'resume', 'loadFrom');
    expect(both.values).toEqual({});
    expect(both.lines).toEqual([
      'load_from: Omma has no list of the models in zoos; give the address of the file, https://...',
      'resume: Omma resumes from its work directory; a certain checkpoint with omma train --resume FILE',
    ]);
  });

  it("log backends and statistics, with the names of numbers and keys in Omma's terms", async () => {
    const { values, lines } = await translated(
      `visualizer = dict(type='UniversalVisualizer', name='visualizer', vis_backends=[
    dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend', save_dir=None),
    dict(type='MLflowVisBackend', exp_name='flowers', run_name=None, tags=dict(my_team='a'), tracking_uri='http://127.0.0.1:5000', tracked_config_keys=('model', 'optim_wrapper')),
    dict(type='WandbVisBackend', init_kwargs=dict(project='x'))])
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True, num_digits=6, log_with_hierarchy=True, mean_pattern='.*(loss|time|data_time|grad_norm).*',
    custom_cfg=[dict(data_src='grad_norm', method_name='max', window_size='epoch', log_name='largest')])
log_level = 'WARNING'
`,
      'visualizer',
      'logProcessor',
      'logLevel',
    );
    expect(lines).toEqual([
      'visualizer.vis_backends[3]: Weights & Biases has no kept JavaScript client for training runs; TensorboardVisBackend writes files that it can import',
    ]);
    expect(values).toEqual({
      visualizer: {
        visBackends: [
          { type: 'TensorboardVisBackend' },
          {
            type: 'MLflowVisBackend',
            expName: 'flowers',
            tags: { my_team: 'a' },
            trackingUri: 'http://127.0.0.1:5000',
            trackedConfigKeys: ['model', 'optimWrapper'],
          },
        ],
      },
      logLevel: 'warning',
      logProcessor: {
        numDigits: 6,
        windowSize: 50,
        customConfig: [{ dataSrc: 'gradNorm', methodName: 'max', windowSize: 'epoch', logName: 'largest' }],
      },
    });
  });
});

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

  it('reads annotation files and CIFAR as it says', async () => {
    const text = `_base_ = 'base.py'
train_dataloader = dict(dataset=dict(ann_file='meta/train.txt', classes=['a', 'b', 'c', 'd', 'e']))
val_dataloader = dict(dataset=dict(_delete_=True, type='CIFAR10', data_root='data/cifar10', split='test', pipeline=[dict(type='PackInputs')]))
`;
    await file('base.py', classifier);
    const { trainDataloader, valDataloader } = await loadConfig(await file('annotated.py', text));
    const dataset = {
      root: 'data/flowers',
      split: 'train',
      annFile: 'meta/train.txt',
      classes: [...'abcde'],
    };
    expect(trainDataloader?.dataset).toMatchObject(dataset);
    expect(valDataloader?.dataset).toEqual({
      type: 'CIFAR10',
      root: 'data/cifar10',
      split: 'val',
      transforms: [],
    });
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
