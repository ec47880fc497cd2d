/** The rules of MMEngine's hooks, in `default_hooks` and `custom_hooks`. */

import type { ConfigSource } from '../place.ts';
import { ConfigDict, type ConfigValue } from '../value.ts';
import {
  isEmpty,
  type KeyRule,
  needless,
  neutralType,
  oneOf,
  type Rules,
  registerOpenMMLabTypes,
  type Surroundings,
  typeName,
  unset,
} from './rules.ts';

/** True where the run's length and intervals count iterations. */
function byIterations({ root }: Surroundings): boolean {
  const loop = root.get('train_cfg');
  if (!(loop instanceof ConfigDict)) return false;
  return loop.has('max_iters') || typeName(loop.get('type')) === 'IterBasedTrainLoop';
}

export const defaultHooks: KeyRule = {
  keys: {
    timer: needless,
    param_scheduler: needless,
    sampler_seed: needless,
    runtime_info: needless,
    logger: {
      keys: {
        type: neutralType('LoggerHook'),
        log_metric_by_epoch: needless,
        interval_exp_name: needless,
        out_dir: unset,
        out_suffix: needless,
        keep_local: { neutral: oneOf(true), missing: 'logs stay in the work directory' },
        ignore_last: { neutral: oneOf(true) },
      },
    },
    checkpoint: {
      keys: {
        type: neutralType('CheckpointHook'),
        max_keep_ckpts: { name: 'maxKeep' },
        save_last: { neutral: oneOf(true) },
        by_epoch: {
          neutral: (value, at) => value !== byIterations(at),
          missing: 'Omma counts as the run does: interval in its unit, intervalIterations in iterations',
        },
        rule: unset,
        greater_keys: unset,
        less_keys: unset,
        out_dir: unset,
        filename_tmpl: {
          neutral: oneOf(null),
          missing:
            'filenameTemplate has the iteration in its place, whatever a run counts in, and ends in .safetensors',
        },
        save_optimizer: {
          neutral: oneOf(true),
          missing: 'a checkpoint can always be resumed from; publish writes the weights alone',
        },
        save_param_scheduler: { neutral: oneOf(true), missing: 'schedules are functions of the iteration' },
        // Which of the keys: weights and what tells how to use them.
        published_keys: { name: 'publish', neutral: isEmpty, value: () => true },
      },
    },
    visualization: {
      keys: {
        type: neutralType('VisualizationHook', 'DetVisualizationHook'),
        show: { neutral: oneOf(false) },
        out_dir: { name: 'testOutDir', neutral: oneOf(null) },
      },
    },
  },
};

const profiler: Rules = {
  // The device measures every node, whatever it is.
  activity_with_cpu: needless,
  activity_with_cuda: needless,
  with_flops: needless,
  by_epoch: { neutral: oneOf(false), missing: 'Omma profiles steps, not epochs' },
  profile_times: {
    name: 'schedule',
    value: (active, { siblings, source }) =>
      siblings.get('by_epoch') === false ? dictOf({ active }, source) : undefined,
    missing: 'counts epochs unless by_epoch=False, and Omma profiles steps',
  },
  // With one, MMEngine counts by it alone.
  schedule: unset,
  on_trace_ready: unset,
  // Where the device knows them they are in the trace.
  record_shapes: needless,
  profile_memory: { neutral: oneOf(false) },
  with_stack: { neutral: oneOf(false) },
  json_trace_path: unset,
};

/** From `begin` (inclusive) to `end` (exclusive), as a schedule. */
function profiledSteps(end: ConfigValue, { siblings, source }: Surroundings): ConfigValue | undefined {
  const begin = siblings.get('begin') ?? 0;
  if (typeof end !== 'number' || typeof begin !== 'number') return undefined;
  return dictOf({ wait: begin, active: end - begin }, source);
}

function dictOf(values: Readonly<Record<string, ConfigValue>>, source: ConfigSource): ConfigDict {
  const dict = new ConfigDict();
  for (const [key, value] of Object.entries(values)) dict.set(key, value, source);
  return dict;
}

registerOpenMMLabTypes({
  EMAHook: {
    keys: {
      // Of whatever library: mmdet.ExpMomentumEMA.
      ema_type: { value: (value) => typeName(value) ?? undefined },
      // A resumed run finds its averages, or is told that they begin anew.
      strict_load: needless,
      begin_iter: { neutral: oneOf(0) },
      begin_epoch: { neutral: oneOf(0) },
      device: unset,
      evaluate_on_ema: { neutral: oneOf(true) },
      evaluate_on_origin: { neutral: oneOf(false) },
    },
  },
  EarlyStoppingHook: { keys: { rule: unset, stopping_threshold: unset } },
  ProfilerHook: { keys: profiler },
  NPUProfilerHook: {
    type: 'ProfilerHook',
    keys: {
      // The schedule of `end` has it.
      begin: needless,
      end: { name: 'schedule', value: profiledSteps },
      // Omma has one file, trace.json in the work directory.
      result_path: needless,
      use_e2e_profiler: { neutral: oneOf(false) },
      ge_profiling_to_std_out: { neutral: oneOf(false) },
    },
    adds: { exitAfterProfiling: true },
  },
  // What Omma does without being told, or has no need to do: docs/training.md, section Hooks.
  IterTimerHook: { type: null },
  RuntimeInfoHook: { type: null },
  DistSamplerSeedHook: { type: null },
  ParamSchedulerHook: { type: null },
  SyncBuffersHook: { type: null },
  EmptyCacheHook: { type: null },
  // MMDetection's: a data set of other classes and a loss that is not finite end every run.
  NumClassCheckHook: { type: null },
  CheckInvalidLossHook: { type: null },
});
