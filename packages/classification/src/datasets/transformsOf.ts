/** Looks through the wrappers in a config to the transforms inside. */

import type { TransformOptions } from '@omma/cv';
import type { DataloaderConfig } from '@omma/engine';

/** What is done to the pictures of a loader; of several data sets, to those of the first. */
export function transformsOf(loader: DataloaderConfig | undefined): readonly TransformOptions[] {
  let dataset = loader?.dataset;
  while (dataset !== undefined && !('transforms' in dataset)) {
    dataset =
      'datasets' in dataset ? dataset.datasets[0] : 'dataset' in dataset ? dataset.dataset : undefined;
  }
  return dataset?.transforms ?? [];
}
