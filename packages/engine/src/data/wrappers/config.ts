/** The wrappers' options as configs have them. */

import type { DatasetTypes } from '../../config/registries.ts';
import type { TypedConfig } from '../../config/registry.ts';
import type { SubsetChoice } from './choose.ts';
import type { SampleMixConfig } from './multiImageMix.ts';

type DatasetConfig = TypedConfig<DatasetTypes>;

export interface ConcatDatasetOptions {
  readonly datasets: readonly DatasetConfig[];
}

export interface RepeatDatasetOptions {
  readonly dataset: DatasetConfig;
  readonly times: number;
}

export interface ClassBalancedDatasetOptions {
  readonly dataset: DatasetConfig;
  /** Classes with a smaller share of the samples come more often. */
  readonly oversampleThr: number;
}

export interface SubsetDatasetOptions extends SubsetChoice {
  readonly dataset: DatasetConfig;
}

export interface MultiImageMixDatasetOptions {
  readonly dataset: DatasetConfig;
  readonly mixes: readonly SampleMixConfig[];
}
