/** Configs: JSON, YAML and OpenMMLab's Python as files, and the settings of `--set`. */

import '@omma/classification';
import { applyOverrides, checkConfig, loadConfig } from '@omma/engine';
import type { Dice } from '../dice.ts';
import { damagedJson, type Json } from '../json.ts';
import type { Target } from '../target.ts';
import { temporaryFile } from '../temporary.ts';
import { damagedText } from '../text.ts';

const config: Json = {
  model: {
    type: 'ImageClassifier',
    backbone: { type: 'ResNet', depth: 18, stem: 'imagenet' },
    head: { type: 'LinearClsHead', numClasses: 5, labelSmoothing: 0.1 },
  },
  trainDataloader: {
    dataset: { type: 'ImageFolder', root: 'data', split: 'train', transforms: [] },
    batchSize: 32,
  },
  optimWrapper: { optimizer: { type: 'SGD', lr: 0.1, momentum: 0.9 }, clipGrad: { maxNorm: 1 } },
  paramScheduler: [{ type: 'CosineAnnealingLR', etaMin: 0 }],
  trainConfig: { maxEpochs: 10 },
  randomness: { seed: 3 },
};

const yamlSeed = `# a config
model:
  type: ImageClassifier
  backbone: &base {type: ResNet, depth: &depth 18}
  head: {type: LinearClsHead, numClasses: 5}
trainDataloader:
  dataset: {type: ImageFolder, root: data, split: train, transforms: []}
  batchSize: 32
optimWrapper:
  optimizer: {type: SGD, lr: 1e-1, momentum: 0.9}
trainConfig:
  maxEpochs: 10
paramScheduler:
  - type: CosineAnnealingLR
    etaMin: 0.0
workDir: >-
  some
  where
randomness: {seed: *depth}
`;

const pythonSeed = `# a config
lr = 0.1
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18, out_indices=(3, ), norm_cfg=norm_cfg),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=5, loss=dict(type='CrossEntropyLoss', loss_weight=1.0), topk=(1, 5)))
names = [f'class_{i}' for i in range(3)]
train_dataloader = dict(
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='CustomDataset', data_root='data', data_prefix='train', pipeline=[
        dict(type='LoadImageFromFile'), dict(type='RandomResizedCrop', scale=224), dict(type='PackInputs')]))
optim_wrapper = dict(optimizer=dict(type='SGD', lr=lr * 2 ** 2, momentum=0.9))
if lr > 0:
    param_scheduler = [dict(type='MultiStepLR', milestones=[30, 60], gamma=0.1)]
else:
    param_scheduler = []
train_cfg = dict(by_epoch=True, max_epochs=100 if lr else 10)
work_dir = './work_dirs/{{ fileBasenameNoExtension }}'
`;

const yamlTokens = [
  '&a ',
  '*a',
  '*base',
  '- ',
  ': ',
  '? ',
  '!!binary ',
  '!!js/function ',
  '!!python/object:os.system ',
  '<<: *base',
  '\t',
  '---\n',
  '...\n',
  '|\n',
  '>-\n',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '#',
  '%YAML 9.9\n',
  '0x7fffffff',
  '.nan',
  '~',
  '\u0000',
  '__proto__: {a: 1}\n',
];
const pythonTokens = [
  "__import__('os').system('id')",
  'open("/etc/passwd").read()',
  'import os\n',
  'exec("1")',
  'lambda x: x',
  '[',
  ']',
  '(',
  ')',
  '{',
  '}',
  "'",
  '"',
  "'''",
  'f"{',
  '**',
  ' * 10**9',
  '** 99999',
  " * 'a'",
  "'a' * 10**9",
  '[0] * 10**9',
  'range(10**12)',
  ' for i in range(10**7)',
  ' if ',
  ' else ',
  ':\n',
  '\n    ',
  '\t',
  '#',
  '\\',
  '_base_ = ["x.py"]\n',
  '_base_ = "{{fileBasename}}"\n',
  '_delete_=True, ',
  '_base_.model',
  '{{ fileDirname }}',
  'while True:\n  pass\n',
  'def f(): return f()\n',
  'class A: pass\n',
  'dict(',
  'dict(**',
  '.update(',
  '.__class__',
  '__builtins__',
  'None',
  'True',
  '1e400',
  '0x',
  '1_0',
  'not ',
  '~',
  '<<',
  ' @ ',
  ':=',
  '%',
  "'%s' % 3",
  "'{:>999999999}'.format(1)",
  'with read_base():\n    from .a import *\n',
  '\u0000',
  '\ufeff',
  '(',
  '-'.repeat(50),
];
const setTokens = [
  '=',
  '.',
  '[',
  ']',
  '[0]',
  '[-1]',
  '[999999999]',
  '{',
  '}',
  '"',
  "'",
  ',',
  ':',
  'null',
  'true',
  '1e999',
  '__proto__',
  'constructor.prototype',
  ' ',
  '\\',
  'model.backbone.depth=',
  '0x10',
  '\u0000',
];
const setSeeds = [
  'model.backbone.depth=50',
  'optimWrapper.optimizer.lr=0.02',
  'paramScheduler[0].etaMin=1e-3',
  'model.head={"type":"LinearClsHead","numClasses":3}',
  'trainConfig.maxEpochs=3',
  'model.backbone.outIndices=[1,3]',
];

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function load(extension: string, bytes: Uint8Array): Promise<void> {
  await loadConfig(await temporaryFile(`config${extension}`, bytes));
}

function textTarget(
  name: string,
  seeds: readonly string[],
  tokens: readonly string[],
  run: Target['run'],
): Target {
  return {
    name,
    seeds: async () => seeds.map(encode),
    damage: (seed, dice) => encode(damagedText(decode(seed), dice, tokens)),
    run,
  };
}

const damagedConfig = (seed: Uint8Array, dice: Dice) => {
  const value: Json = JSON.parse(decode(seed));
  const text = JSON.stringify(damagedJson(value, dice), null, dice.pick([0, 2]));
  return encode(dice.chance(0.3) ? damagedText(text, dice, setTokens) : text);
};

export const configTargets: readonly Target[] = [
  {
    name: 'json',
    seeds: async () => [encode(JSON.stringify(config))],
    damage: damagedConfig,
    run: (bytes) => load('.json', bytes),
  },
  textTarget('yaml', [yamlSeed], yamlTokens, (bytes) => load('.yaml', bytes)),
  textTarget('python', [pythonSeed], pythonTokens, (bytes) => load('.py', bytes)),
  textTarget('set', setSeeds, setTokens, async (bytes) => {
    checkConfig(applyOverrides(structuredClone(config), [decode(bytes)]), 'config.json');
  }),
];
