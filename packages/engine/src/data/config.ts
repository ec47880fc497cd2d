/** What a config says about a data loader, and its schema. */

import { z } from 'zod';
import { type DatasetTypes, datasets } from '../config/registries.ts';
import type { TypedConfig } from '../config/registry.ts';
import type { CorruptPolicy } from './types.ts';

export interface DataloaderConfig {
  readonly dataset: TypedConfig<DatasetTypes>;
  readonly batchSize: number;
  /** Default: true for training, false otherwise. */
  readonly shuffle?: boolean;
  /** Threads that decode; half of the cores, at most four, unless given; 0 decodes on the main thread. Their number changes no result. */
  readonly numWorkers?: number;
  /** Keeps the threads from one epoch to the next; true unless given. */
  readonly persistentWorkers?: boolean;
  /** Batches decoded ahead of the device; 3 unless given, two more than the threads where there are any. */
  readonly prefetch?: number;
  /** What a corrupt sample does; 'skip' unless given. */
  readonly onCorrupt?: CorruptPolicy;
}

const count = z.int().positive();

export const dataloaderSchema = z.strictObject({
  dataset: datasets.schema(),
  batchSize: count,
  shuffle: z.boolean().exactOptional(),
  numWorkers: z.int().min(0).max(128).exactOptional(),
  persistentWorkers: z.boolean().exactOptional(),
  prefetch: count.exactOptional(),
  onCorrupt: z.enum(['skip', 'stop']).exactOptional(),
});
