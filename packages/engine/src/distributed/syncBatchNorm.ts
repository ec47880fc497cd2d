/** `syncBn` of a config: batch norm with the statistics of all ranks' samples. */

import { convertSyncBatchNorm } from '@omma/nn';
import type { TrainableModel } from '../runner/model.ts';
import type { Distributed } from './distributed.ts';

/** Converts the batch norms of `model`; a line about what it costs where the device does not sum in the middle of a step, else null. */
export function synchronizeBatchNorm(model: TrainableModel, { communicator }: Distributed): string | null {
  const { device, name, rank, size, inGraph } = communicator;
  convertSyncBatchNorm(model, { rank, size });
  return inGraph
    ? null
    : `syncBn: ${device.name} connected by ${name} does not sum in the middle of a step, so the step is cut twice at each batch norm, and every part is compiled`;
}
