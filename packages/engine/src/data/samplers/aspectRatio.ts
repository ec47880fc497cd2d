/**
 * Batches of pictures that are all upright or all wide (mmdet's `AspectRatioBatchSampler`), so that padding them to one size wastes little. Goes
 * through an order and gives a batch as soon as a group fills one; what is left over in the end makes the last batches.
 */

import { OmmaError } from '@omma/core';
import type { Dataset } from '../types.ts';
import type { SampleOrder } from './sampler.ts';

/** The same samples in an order whose runs of `batchSize` are the batches. */
export function groupByAspectRatio(order: SampleOrder, dataset: Dataset, batchSize: number): SampleOrder {
  const groups: [number[], number[]] = [[], []];
  const places: number[] = [];
  order.indices.forEach((index, place) => {
    const ratio = dataset.aspectRatioOf?.(index);
    if (ratio === undefined) {
      throw new OmmaError(
        'AspectRatioBatchSampler: the data set does not tell the shape of a picture (aspectRatioOf); leave it out',
      );
    }
    const group = groups[ratio < 1 ? 0 : 1];
    group.push(place);
    if (group.length === batchSize) places.push(...group.splice(0));
  });
  places.push(...groups.flat());
  const { indices, repeats } = order;
  return {
    indices: Int32Array.from(places, (place) => indices[place] ?? 0),
    ...(repeats === undefined ? {} : { repeats: Uint16Array.from(places, (place) => repeats[place] ?? 0) }),
  };
}
