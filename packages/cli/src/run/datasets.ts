/** Looks through the wrappers in a config to the data sets inside. */

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

/** The data sets inside of wrappers, or the data set itself. */
export function innerDatasets(dataset: DatasetConfig): DatasetConfig[] {
  if ('datasets' in dataset) return dataset.datasets.flatMap(innerDatasets);
  return 'dataset' in dataset ? innerDatasets(dataset.dataset) : [dataset];
}
