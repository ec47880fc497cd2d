/** Wrappers that choose samples of a data set: some of them once, rare classes several times. */

import { OmmaError } from '@omma/core';
import type { Dataset } from '../types.ts';
import { MappedDataset } from './mapped.ts';

export interface SubsetChoice {
  /** These samples, in this order. */
  readonly indices?: readonly number[];
  /** So many samples (a whole number) or such a share of them (below 1), evenly spread over the data set. */
  readonly count?: number;
}

/** A part of a data set (torch's `Subset`, MMEngine's `indices`). */
export function subset(dataset: Dataset, { indices, count }: SubsetChoice): Dataset {
  if (indices !== undefined) {
    const wrong = indices.find((index) => index < 0 || index >= dataset.length);
    if (wrong !== undefined) {
      throw new OmmaError(
        `SubsetDataset: index ${wrong} is not in the data set, which has ${dataset.length} samples (0 to ${dataset.length - 1})`,
      );
    }
    return new MappedDataset(dataset, indices);
  }
  const { length } = dataset;
  const wanted =
    count === undefined ? length : count < 1 ? Math.ceil(length * count) : Math.min(length, count);
  return new MappedDataset(
    dataset,
    Int32Array.from({ length: wanted }, (_, i) => Math.floor((i * length) / wanted)),
  );
}

/**
 * Samples of rare classes several times (Gupta et al., LVIS, 2019; MMEngine's `ClassBalancedDataset`): a class with share f of the samples comes
 * max(1, sqrt(threshold / f)) times, rounded up.
 */
export function classBalanced(dataset: Dataset, oversampleThr: number): Dataset {
  const labels = Array.from({ length: dataset.length }, (_, i) => dataset.labelOf?.(i));
  const counts = new Map<number, number>();
  for (const label of labels) {
    if (label === undefined) {
      throw new OmmaError(
        'ClassBalancedDataset: the data set does not tell the class of a sample (labelOf); leave it out',
      );
    }
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const timesOf = (label: number) =>
    Math.ceil(Math.max(1, Math.sqrt((oversampleThr * labels.length) / (counts.get(label) ?? 1))));
  const indices = labels.flatMap((label = 0, index) => new Array<number>(timesOf(label)).fill(index));
  return new MappedDataset(dataset, indices);
}
