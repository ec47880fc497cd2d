/** The rules of MMEngine's visualizer and log processor. */

import { ConfigTuple, type ConfigValue } from '../value.ts';
import {
  camelCase,
  type KeyRule,
  needless,
  oneOf,
  onlyType,
  registerOpenMMLabTypes,
  unset,
} from './rules.ts';

export const visualizer: KeyRule = {
  keys: {
    type: { name: null },
    name: needless,
    // log.jsonl is always written.
    vis_backends: {
      neutral: (value) =>
        value === null || (Array.isArray(value) && value.every(onlyType(['LocalVisBackend'], ['save_dir']))),
    },
    save_dir: unset,
  },
};

/** `grad_norm` as `gradNorm`: the names of numbers are Omma's. */
const scalarName: KeyRule = { value: (value) => (typeof value === 'string' ? camelCase(value) : undefined) };

export const logProcessor: KeyRule = {
  keys: {
    type: needless,
    by_epoch: needless,
    // Names of curves always have their group in front.
    log_with_hierarchy: needless,
    // MMEngine's own, which Omma has under its names.
    mean_pattern: { neutral: oneOf('.*(loss|time|data_time|grad_norm).*') },
    custom_cfg: { name: 'customConfig', neutral: oneOf(null), entries: { data_src: scalarName } },
  },
};

/** Python's names of levels; a critical error is one. */
export const logLevel: KeyRule = {
  neutral: oneOf('INFO'),
  value: (value) =>
    typeof value === 'string'
      ? value
          .toLowerCase()
          .replace('critical', 'error')
          .replace(/^warn$/, 'warning')
      : undefined,
};

/** Top-level keys under Omma's names. */
function camelCased(keys: ConfigValue): ConfigValue | undefined {
  const names = keys instanceof ConfigTuple ? keys.items : Array.isArray(keys) ? keys : [];
  return names.map((name) => (typeof name === 'string' ? camelCase(name) : name));
}

const inWorkDir = { save_dir: unset } satisfies Record<string, KeyRule>;
const noClient =
  'has no kept JavaScript client for training runs; TensorboardVisBackend writes files that it can import';

registerOpenMMLabTypes({
  LocalVisBackend: { type: null },
  TensorboardVisBackend: { keys: inWorkDir },
  MLflowVisBackend: {
    keys: {
      ...inWorkDir,
      exp_name: unset,
      run_name: unset,
      tags: { neutral: oneOf(null), verbatim: true },
      params: { neutral: oneOf(null), verbatim: true },
      tracking_uri: unset,
      // Names of MMEngine's files, which Omma does not write.
      artifact_suffix: needless,
      artifact_location: unset,
      tracked_config_keys: { neutral: oneOf(null), value: camelCased },
    },
  },
  WandbVisBackend: { missing: `Weights & Biases ${noClient}` },
  ClearMLVisBackend: { missing: `ClearML ${noClient}` },
  NeptuneVisBackend: { missing: `Neptune ${noClient}` },
  DVCLiveVisBackend: { missing: `DVCLive ${noClient}` },
  AimVisBackend: { missing: `Aim ${noClient}` },
});
