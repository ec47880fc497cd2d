/** Whether a batch fits into the machine: asked before a large one is begun, which would fill the memory for a minute and then fail. */

import { totalmem } from 'node:os';
import { OmmaError } from '@omma/core';
import type { Dataset, SampleContext } from './types.ts';

/** Batches beyond this are looked at first: against one of these, decoding a sample costs nothing. */
export const largeBatch = 4096;

/** Refuses batches of `batchSize` samples like the first that are larger than the machine's memory. */
export async function requireMemory(
  dataset: Dataset,
  batchSize: number,
  context: SampleContext,
): Promise<void> {
  const sample = await dataset.load(0, context).catch((error: unknown) => {
    // A sample that cannot be read is the loader's own matter.
    if (error instanceof OmmaError) return null;
    throw error;
  });
  const tensors = Object.values(sample?.tensors ?? {});
  const bytes = batchSize * tensors.reduce((total, { data }) => total + data.byteLength, 0);
  const memory = totalmem();
  if (bytes <= memory) return;
  const gigabytes = (count: number) => `${(count / 1e9).toFixed(1)} GB`;
  throw new OmmaError(
    `data loader: a batch of ${batchSize} samples takes ${gigabytes(bytes)}, this machine has ${gigabytes(memory)}; make batchSize at most ${Math.floor((batchSize * memory) / bytes / 8)}`,
  );
}
