/** `syncBn` of a config: batch norm with the statistics of all ranks' samples, where the device can sum in the middle of a step. */

import { OmmaError } from '@omma/core';
import { convertSyncBatchNorm } from '@omma/nn';
import type { TrainableModel } from '../runner/model.ts';
import type { Distributed } from './distributed.ts';

/** Converts the batch norms of `model`. OmmaError on a device that runs no collectives inside its programs. */
export function synchronizeBatchNorm(model: TrainableModel, { communicator }: Distributed): void {
  const { device, name, rank, size, inGraph } = communicator;
  if (inGraph) {
    convertSyncBatchNorm(model, { rank, size });
    return;
  }
  throw new OmmaError(
    `syncBn: ${device.name} connected by ${name} cannot sum statistics in the middle of a step, cpu with Gloo or Open MPI can; leave syncBn out, or use group norm or normEval`,
  );
}
