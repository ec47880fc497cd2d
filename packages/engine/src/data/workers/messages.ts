/** What the main thread and a worker thread say to each other. Plain data: it is copied by structured clone. */

import type { BatchRequest } from '../batch.ts';
import type { CollateConfig } from '../collate/collate.ts';
import type { Batch, DatasetSource } from '../types.ts';

/** A data set, and how its samples become batches. */
export interface BatchSource {
  readonly source: DatasetSource;
  readonly collate?: CollateConfig;
}

export type ToThread =
  /** Opens a data set under a number. */
  | { readonly type: 'open'; readonly dataset: number; readonly source: BatchSource }
  | { readonly type: 'close'; readonly dataset: number }
  /** The request's memory changes its owner, it is not copied. */
  | { readonly type: 'load'; readonly dataset: number; readonly request: BatchRequest }
  /** Ends the thread when it is done with what it does. */
  | { readonly type: 'stop' };

/** The answer to `load`. The arrays of a batch change their owner, they are not copied. */
export type FromThread =
  | { readonly type: 'batch'; readonly batch: Batch }
  | {
      readonly type: 'failed';
      readonly message: string;
      /** A sample or the like, the store that it lies on, or a defect, which has a stack. */
      readonly error: 'omma' | 'store' | 'defect';
      readonly stack: string | null;
    };
