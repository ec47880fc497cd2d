/**
 * The engine's registries. The option interfaces are empty here; packages that register a type add it by declaration merging:
 *
 *     declare module '@omma/engine' {
 *       interface DatasetTypes { ImageFolder: ImageFolderOptions }
 *     }
 *     datasets.register('ImageFolder', imageFolderSchema, (options) => new ImageFolder(options));
 */

import type { Dataset, Metric } from '../data/types.ts';
import type {
  ClassBalancedDatasetOptions,
  ConcatDatasetOptions,
  MultiImageMixDatasetOptions,
  RepeatDatasetOptions,
  SubsetDatasetOptions,
} from '../data/wrappers/config.ts';
import type { Hook } from '../hooks/hook.ts';
import type { TrainableModel, TtaModel } from '../runner/model.ts';
import { Registry } from './registry.ts';

/** Whole models: `ImageClassifier`. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface ModelTypes {}
/** Data sets: `ImageFolder`; the engine's own are wrappers around others. */
export interface DatasetTypes {
  ConcatDataset: ConcatDatasetOptions;
  RepeatDataset: RepeatDatasetOptions;
  ClassBalancedDataset: ClassBalancedDatasetOptions;
  SubsetDataset: SubsetDatasetOptions;
  MultiImageMixDataset: MultiImageMixDatasetOptions;
}
/** Metrics: `Accuracy`. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface MetricTypes {}
/** Hooks that `customHooks` can name: `EMAHook`. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface HookTypes {}
/** Test-time augmentation: `AverageClsScoreTTA`. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface TtaModelTypes {}

export const models = new Registry<ModelTypes, TrainableModel>('model');
export const datasets = new Registry<DatasetTypes, Dataset>('data set');
export const metrics = new Registry<MetricTypes, Metric>('metric');
export const hooks = new Registry<HookTypes, Hook>('hook');
export const ttaModels = new Registry<TtaModelTypes, TtaModel>('test-time augmentation');
