/** The rules of what MMEngine's Runner takes: data loaders, the optimiser's wrapper, schedules, hooks, and the keys around them. */

import { isRemote } from '@omma/storage';
import { ConfigDict, type ConfigValue } from '../value.ts';
import { defaultHooks } from './hookRules.ts';
import { logLevel, logProcessor, visualizer } from './logRules.ts';
import {
  isEmpty,
  type KeyRule,
  needless,
  neutralType,
  oneOf,
  onlyType,
  type Rules,
  registerOpenMMLabTypes,
  typeName,
  unset,
} from './rules.ts';

const dataloader: KeyRule = {
  keys: {
    collate_fn: {
      neutral: onlyType(['default_collate', 'pseudo_collate']),
      missing: 'write it in TypeScript (registerCollate) and name it as collate',
    },
    pin_memory: needless,
    persistent_workers: {},
  },
};

const evaluator: KeyRule = { list: true };

const optimWrapper: KeyRule = {
  keys: {
    type: {
      name: 'amp',
      neutral: (value) => typeName(value) === 'OptimWrapper',
      value: (value) => (typeName(value) === 'AmpOptimWrapper' ? 'float16' : undefined),
      missing: 'Omma has OptimWrapper, and AmpOptimWrapper as amp',
    },
    dtype: { name: 'amp' },
    loss_scale: { name: 'lossScale', neutral: oneOf('dynamic') },
    constructor: {
      // The second is what layer_decay_rate says.
      neutral: oneOf('DefaultOptimWrapperConstructor', 'LearningRateDecayOptimWrapperConstructor'),
    },
    clip_grad: { neutral: isEmpty, keys: { norm_type: { neutral: oneOf(2) } } },
    paramwise_cfg: { name: 'paramwiseConfig', neutral: isEmpty, keys: { custom_keys: { verbatim: true } } },
    optimizer: { keys: {} },
  },
};

const trainCfg: KeyRule = {
  name: 'trainConfig',
  neutral: isEmpty,
  keys: {
    type: neutralType('EpochBasedTrainLoop', 'IterBasedTrainLoop'),
    // Whether by epochs or iterations, maxEpochs or maxIters says.
    by_epoch: needless,
  },
};

/** `val_cfg` and `test_cfg`: their loops are Omma's one, and say in which precision. */
function evaluation(name: string, loop: string): KeyRule {
  return {
    name,
    neutral: isEmpty,
    keys: {
      type: { ...neutralType(loop), missing: 'Omma evaluates in one way' },
      fp16: {
        name: 'amp',
        neutral: oneOf(false),
        value: (value) => (value === true ? 'float16' : undefined),
      },
    },
  };
}

/** The config's checkpoint to start from, as MMEngine loads it: what fits is taken. */
const loadFrom: KeyRule = {
  neutral: oneOf(null),
  value: (value, { source }) => {
    if (typeof value !== 'string' || (/^[\w-]+:\/\//.test(value) && !isRemote(value))) return undefined;
    const config = new ConfigDict();
    config.set('checkpoint', value, source);
    config.set('strict', false, source);
    return config;
  },
  missing: 'Omma has no list of the models in zoos; give the address of the file, https://...',
};

const resume: KeyRule = {
  neutral: oneOf(false, null),
  value: (value, { root }) => (isEmpty(root.get('load_from') ?? null) ? value : undefined),
  missing: 'Omma resumes from its work directory; a certain checkpoint with omma train --resume FILE',
};

/** Batch norm over all ranks, whichever library computes it. */
const syncBn: KeyRule = {
  neutral: oneOf(null, false),
  value: (value) => (value === 'torch' || value === 'mmcv' ? true : undefined),
};

/** Top-level keys of the Runner. Others are variables of the file, which only the file itself uses. */
export const runnerRules: Rules = {
  model: {},
  train_dataloader: dataloader,
  val_dataloader: dataloader,
  test_dataloader: dataloader,
  val_evaluator: evaluator,
  test_evaluator: evaluator,
  optim_wrapper: optimWrapper,
  param_scheduler: { neutral: isEmpty, list: true },
  train_cfg: trainCfg,
  val_cfg: evaluation('valConfig', 'ValLoop'),
  test_cfg: evaluation('testConfig', 'TestLoop'),
  default_hooks: defaultHooks,
  custom_hooks: { neutral: (value) => isEmpty(value) || (Array.isArray(value) && value.length === 0) },
  auto_scale_lr: { neutral: isEmpty },
  randomness: {
    keys: {
      seed: { neutral: oneOf(null) },
      // A run is a function of its config, seed and thread count; nothing has to be asked for.
      deterministic: needless,
      // Ranks never draw the same numbers.
      diff_rank_seed: needless,
    },
  },
  visualizer,
  log_processor: logProcessor,
  work_dir: { neutral: oneOf(null) },
  experiment_name: unset,
  load_from: loadFrom,
  resume,
  sync_bn: syncBn,
  activation_checkpointing: { neutral: isEmpty, list: true },
  strategy: {
    neutral: (value) => isEmpty(value) || onlyType(['SingleDeviceStrategy', 'DDPStrategy'])(value),
    missing: 'Omma trains data parallel: every device has the whole model',
  },
  custom_imports: { missing: 'Python modules are not imported; register types from TypeScript' },
  // The parts of `tta_pipeline`: see tta.ts.
  tta_model: {},
  tta_dataloader: dataloader,
  tta_pipeline: {
    neutral: isEmpty,
    missing:
      'Omma makes views of pictures of one size: let the pipeline before TestTimeAug, or its first stage, give them one',
  },
  default_scope: needless,
  env_cfg: needless,
  launcher: needless,
  log_level: logLevel,
  _scope_: needless,
};

/** `test_dataloader` and `test_evaluator` that repeat those of the validation: Omma takes those unless told otherwise. */
export const repeats: Readonly<Record<string, string>> = {
  test_dataloader: 'val_dataloader',
  test_evaluator: 'val_evaluator',
};

/** Keys that hold whatever Omma needs beside what OpenMMLab says. */
export const added: Readonly<Record<string, Readonly<Record<string, ConfigValue>>>> = {
  auto_scale_lr: { enable: false },
};

const schedule = { keys: { verbose: needless, T_max: { name: 'tMax' } } };
const families = [
  'Constant',
  'Linear',
  'Step',
  'MultiStep',
  'Exponential',
  'CosineAnnealing',
  'CosineRestart',
  'Poly',
  'OneCycle',
  'ReduceOnPlateau',
];
const kinds = ['LR', 'Momentum', 'WeightDecay', 'ParamScheduler'];

const fans: Readonly<Record<string, string>> = { fan_in: 'fanIn', fan_out: 'fanOut' };

registerOpenMMLabTypes({
  Kaiming: {
    keys: {
      mode: { value: (mode) => (typeof mode === 'string' ? fans[mode] : undefined) },
      nonlinearity: { value: (name) => (name === 'leaky_relu' ? 'leakyRelu' : name) },
    },
  },
  Pretrained: {
    keys: {
      checkpoint: {
        value: (place) =>
          typeof place === 'string' && !/^(torchvision|open-mmlab|mmcls|modelzoo):/.test(place)
            ? place
            : undefined,
        missing: 'Omma has no zoo; give the file, or its address',
      },
    },
  },
  DefaultSampler: { keys: { round_up: { neutral: oneOf(true) }, seed: unset } },
  InfiniteSampler: { keys: { seed: unset } },
  ClassAwareSampler: { keys: { seed: unset, num_sample_class: { neutral: oneOf(1) } } },
  RepeatAugSampler: { keys: { shuffle: { neutral: oneOf(true) }, seed: unset } },
});

registerOpenMMLabTypes(
  Object.fromEntries(families.flatMap((family) => kinds.map((kind) => [`${family}${kind}`, schedule]))),
);
