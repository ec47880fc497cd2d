/** The rules of what MMEngine's Runner takes: data loaders, the optimiser's wrapper, schedules, hooks, and the keys around them. */

import type { ConfigValue } from '../value.ts';
import {
  isEmpty,
  type KeyRule,
  needless,
  oneOf,
  onlyType,
  type Rules,
  registerOpenMMLabTypes,
  typeName,
} from './rules.ts';

const neutralType = (...names: readonly string[]): KeyRule => ({
  neutral: (value) => names.includes(typeName(value) ?? ''),
  missing: `Omma has ${names[0]} alone`,
});

const dataloader: KeyRule = {
  keys: {
    collate_fn: { neutral: onlyType(['default_collate', 'pseudo_collate']) },
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

const loopOnly: KeyRule = {
  neutral: (value) => isEmpty(value) || onlyType(['ValLoop', 'TestLoop'])(value),
  missing: 'Omma evaluates in one way',
};

const defaultHooks: KeyRule = {
  keys: {
    timer: needless,
    param_scheduler: needless,
    sampler_seed: needless,
    runtime_info: needless,
    logger: { keys: { type: neutralType('LoggerHook'), log_metric_by_epoch: needless } },
    checkpoint: {
      keys: {
        type: neutralType('CheckpointHook'),
        max_keep_ckpts: { name: 'maxKeep', neutral: oneOf(-1) },
        save_last: { neutral: oneOf(true) },
        by_epoch: { neutral: oneOf(true) },
      },
    },
    visualization: {
      keys: { type: neutralType('VisualizationHook', 'DetVisualizationHook') },
    },
  },
};

const visualizer: KeyRule = {
  keys: {
    type: { name: null },
    name: needless,
    // log.jsonl is always written.
    vis_backends: {
      neutral: (value) => Array.isArray(value) && value.every(onlyType(['LocalVisBackend'], ['save_dir'])),
    },
  },
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
  val_cfg: loopOnly,
  test_cfg: loopOnly,
  default_hooks: defaultHooks,
  custom_hooks: { neutral: (value) => isEmpty(value) || (Array.isArray(value) && value.length === 0) },
  auto_scale_lr: { neutral: isEmpty },
  randomness: {
    keys: {
      seed: { neutral: oneOf(null) },
      // A run is a function of its config, seed and thread count; nothing has to be asked for.
      deterministic: needless,
      diff_rank_seed: { neutral: oneOf(false) },
    },
  },
  visualizer,
  log_processor: { keys: { type: needless, by_epoch: needless, custom_cfg: { name: 'customConfig' } } },
  work_dir: { neutral: oneOf(null) },
  load_from: { neutral: oneOf(null) },
  resume: { neutral: oneOf(false, null), missing: 'say omma train --resume' },
  custom_imports: { missing: 'Python modules are not imported; register types from TypeScript' },
  tta_model: { missing: 'Omma does not read test-time augmentation from OpenMMLab configs' },
  default_scope: needless,
  env_cfg: needless,
  launcher: needless,
  log_level: needless,
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

registerOpenMMLabTypes(
  Object.fromEntries(families.flatMap((family) => kinds.map((kind) => [`${family}${kind}`, schedule]))),
);
