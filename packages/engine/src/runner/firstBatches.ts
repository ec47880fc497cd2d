/** The batches that a run begins with, the first one looked at: its types are what the step is compiled for. */

import type { Batch, DataLoader } from '../data/types.ts';
import type { Progress } from './context.ts';

export interface FirstBatches {
  /** Null when there is none. */
  readonly first: Batch | null;
  /** The rest of the epoch, the first one included. */
  readonly batches: AsyncIterable<Batch>;
  /** To be called when no more of them are wanted, read or not. */
  end(): Promise<void>;
}

/** The rest of the epoch at which `progress` is. */
export async function firstBatches(
  loader: DataLoader,
  { epoch, iterationInEpoch }: Progress,
): Promise<FirstBatches> {
  const iterator = loader.epoch(epoch, iterationInEpoch)[Symbol.asyncIterator]();
  const { value, done } = await iterator.next();
  if (done === true) return noBatches;
  return {
    first: value,
    batches: prepended(value, iterator),
    end: async () => void (await iterator.return?.()),
  };
}

/** Those of a run that is over already. */
export const noBatches: FirstBatches = {
  first: null,
  batches: (async function* () {})(),
  end: async () => undefined,
};

async function* prepended(first: Batch, rest: AsyncIterator<Batch>): AsyncGenerator<Batch> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
