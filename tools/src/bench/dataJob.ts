/** A job of the data pipeline: it travels to the child processes, ours and theirs, as one JSON argument. */

import { isRecord } from './record.ts';

export interface DataJob {
  /** Folder with one folder of pictures a class in its folder `train`. */
  readonly root: string;
  /** Height and width of the samples. */
  readonly size: number;
  readonly batch: number;
  /** Batches that one step is made of. */
  readonly batches: number;
}

/** Reads a job back from a child's argument. */
export function parseDataJob(text: string | undefined): DataJob {
  const value: unknown = JSON.parse(text ?? 'null');
  if (isRecord(value)) {
    const { root, size, batch, batches } = value;
    if (
      typeof root === 'string' &&
      typeof size === 'number' &&
      typeof batch === 'number' &&
      typeof batches === 'number'
    ) {
      return { root, size, batch, batches };
    }
  }
  throw new Error(`bench: the argument is no job: ${text}`);
}
