/** What a config says about a data loader, and its schema. */

import { z } from 'zod';
import { type DatasetTypes, datasets } from '../config/registries.ts';
import type { TypedConfig } from '../config/registry.ts';
import { type CollateConfig, collates } from './collate/collate.ts';
import { type SamplerConfig, samplers } from './samplers/sampler.ts';
import type { CorruptPolicy } from './types.ts';

export interface DataloaderConfig {
  readonly dataset: TypedConfig<DatasetTypes>;
  readonly batchSize: number;
  /** Default: true for training, false otherwise. Short for a DefaultSampler. */
  readonly shuffle?: boolean;
  /** Which samples an epoch is made of, in training; DefaultSampler unless given. */
  readonly sampler?: SamplerConfig;
  /** Puts pictures that are alike in shape into one batch, in training. */
  readonly batchSampler?: { readonly type: 'AspectRatioBatchSampler' };
  /** How samples become a batch; stacked unless given. */
  readonly collate?: CollateConfig;
  /** Training: leaves out the samples that fill no batch (true unless given), or fills the last batch with the epoch's first samples. */
  readonly dropLast?: boolean;
  /** Cuts an epoch short, or where it is longer than the data, goes round. */
  readonly numBatchPerEpoch?: number;
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
  sampler: samplers.schema().exactOptional(),
  batchSampler: z.strictObject({ type: z.literal('AspectRatioBatchSampler') }).exactOptional(),
  collate: collates.schema().exactOptional(),
  dropLast: z.boolean().exactOptional(),
  numBatchPerEpoch: count.exactOptional(),
  numWorkers: z.int().min(0).max(128).exactOptional(),
  persistentWorkers: z.boolean().exactOptional(),
  prefetch: count.exactOptional(),
  onCorrupt: z.enum(['skip', 'stop']).exactOptional(),
});
