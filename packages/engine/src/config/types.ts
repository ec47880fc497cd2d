/**
 * What a config file says, typed. Names are OpenMMLab's in camelCase. Plain JSON-serialisable data: it is written into every
 * checkpoint.
 */

import type { DataloaderConfig } from '../data/config.ts';
import type { DistributedConfig } from '../distributed/config.ts';
import type { EvaluatorConfig } from '../evaluation/config.ts';
import type { CustomHookConfig, DefaultHooksConfig } from '../hooks/config.ts';
import type { LogLevel, VisualizerConfig } from '../log/config.ts';
import type { LogProcessorConfig } from '../log/logProcessor.ts';
import type { EvaluationConfig, TrainConfig } from '../loops/config.ts';
import type { OptimWrapperConfig } from '../optim/config.ts';
import type { LoadFromConfig } from '../runner/loadFrom.ts';
import type { AutoScaleLrConfig } from '../runner/scaledRate.ts';
import type { SchedulerConfig } from '../schedule/types.ts';
import type { ModelTypes, TtaModelTypes } from './registries.ts';
import type { TypedConfig } from './registry.ts';

export interface Config {
  readonly model: TypedConfig<ModelTypes>;
  readonly trainDataloader?: DataloaderConfig;
  readonly valDataloader?: DataloaderConfig;
  readonly testDataloader?: DataloaderConfig;
  /** Metrics of the validation data; `testEvaluator` those of `omma test`, the same unless given. */
  readonly valEvaluator?: readonly EvaluatorConfig[];
  readonly testEvaluator?: readonly EvaluatorConfig[];
  /** How `omma test --tta` sees every sample more than once, and the data that it is given for it; those of the test unless given. */
  readonly ttaModel?: TypedConfig<TtaModelTypes>;
  readonly ttaDataloader?: DataloaderConfig;
  readonly optimWrapper?: OptimWrapperConfig;
  readonly paramScheduler?: readonly SchedulerConfig[];
  readonly trainConfig?: TrainConfig;
  /** How evaluations compute; `testConfig` those of `omma test`, the same unless given. */
  readonly valConfig?: EvaluationConfig;
  readonly testConfig?: EvaluationConfig;
  readonly autoScaleLr?: AutoScaleLrConfig;
  readonly defaultHooks?: DefaultHooksConfig;
  /** More hooks, by type. */
  readonly customHooks?: readonly CustomHookConfig[];
  /** Where logs go: TensorBoard, CSV, MLflow. log.jsonl in the work directory is always written. */
  readonly visualizer?: VisualizerConfig;
  /** How the numbers of steps become those of the log. */
  readonly logProcessor?: LogProcessorConfig;
  /** What a terminal is told: `debug` has a line for every logged iteration, `warning` and `error` only what goes wrong; `info` unless given. */
  readonly logLevel?: LogLevel;
  readonly randomness?: { readonly seed?: number };
  /** Batch norm with the statistics of all ranks' samples, MMEngine's `sync_bn`; each rank's own unless given. */
  readonly syncBn?: boolean;
  /** Modules (`backbone.layer1`) whose activations the backward pass computes again, so that the forward pass need not keep them. */
  readonly activationCheckpointing?: readonly string[];
  readonly distributed?: DistributedConfig;
  /** Device name; 'auto' unless given. */
  readonly device?: string;
  /** What the run is called where runs are compared; the name of the work directory unless given. */
  readonly experimentName?: string;
  /** Where logs and checkpoints go; work_dirs/<config name> unless given. */
  readonly workDir?: string;
  /** A checkpoint whose weights the model starts from. */
  readonly loadFrom?: string | LoadFromConfig;
  /** Go on from the newest checkpoint in the work directory, where there is one. */
  readonly resume?: boolean;
}

/** Some of a config's values; lists, which replace those of the base, are whole. */
type Part<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Part<T[K]> } & {
        /** Replace the base's object with this one, instead of merging the two. */
        readonly _delete_?: boolean;
      }
    : T;

/** A config on top of others: what it says is merged into what they say. */
export type ExtendingConfig = Part<Config> & {
  /** Config files of any format, relative to this one. No two of them may have the same key. */
  readonly extends: string | readonly string[];
};

/** The names of a config's bases. */
type Bases = ExtendingConfig['extends'];

/**
 * Gives a config file its types: `export default defineConfig({ ... })`. With `extends` it says only what differs from its bases. One signature and no overloads,
 * because of a mistake the compiler would say no more than that no overload matches. A function that returns a config calls this in its body.
 */
export function defineConfig<E extends Bases | undefined = undefined>(
  config: ((Config & { readonly extends?: undefined }) | ExtendingConfig) & { readonly extends?: E },
): E extends Bases ? ExtendingConfig : Config;
export function defineConfig(config: Config | ExtendingConfig): Config | ExtendingConfig {
  return config;
}
