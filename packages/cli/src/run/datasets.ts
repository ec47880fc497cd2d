/** Looks through the wrappers in a config to the data sets inside. */

import type { TransformOptions } from '@omma/cv';
import type { DataloaderConfig } from '@omma/engine';

export type DatasetConfig = DataloaderConfig['dataset'];

/** The data set read from `root`, or the ones inside of a wrapper. */
export function movedDataset(dataset: DatasetConfig, root: string): DatasetConfig {
  if ('datasets' in dataset) {
    return { ...dataset, datasets: dataset.datasets.map((part) => movedDataset(part, root)) };
  }
  return 'dataset' in dataset
    ? { ...dataset, dataset: movedDataset(dataset.dataset, root) }
    : { ...dataset, root };
}

/** What is done to the pictures of a loader; of several data sets, to those of the first. */
export function transformsOf(loader: DataloaderConfig | undefined): readonly TransformOptions[] {
  let dataset = loader?.dataset;
  while (dataset !== undefined && !('transforms' in dataset)) {
    dataset =
      'datasets' in dataset ? dataset.datasets[0] : 'dataset' in dataset ? dataset.dataset : undefined;
  }
  return dataset?.transforms ?? [];
}

/** The data sets inside of wrappers, or the data set itself. */
export function innerDatasets(dataset: DatasetConfig): DatasetConfig[] {
  if ('datasets' in dataset) return dataset.datasets.flatMap(innerDatasets);
  return 'dataset' in dataset ? innerDatasets(dataset.dataset) : [dataset];
}
