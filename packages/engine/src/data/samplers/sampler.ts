/**
 * Samplers: which samples an epoch is made of, and in which order. A sampler is a pure function of seed and epoch and gives the order for all ranks
 * together; the loader cuts it into batches and takes its rank's. So nothing has to be saved to go on in the middle of an epoch, with any number of ranks.
 */

import { Registry, type TypedConfig } from '../../config/registry.ts';
import type { Dataset } from '../types.ts';

export interface SamplerRequest {
  readonly dataset: Dataset;
  readonly seed: number;
  readonly epoch: number;
  /** Samples that the loader will use of the answer, from its beginning. */
  readonly samples: number;
}

export interface SampleOrder {
  readonly indices: Int32Array;
  /**
   * For a sample that comes more than once an epoch: which time it is, so that each is augmented differently. Zeros unless given.
   */
  readonly repeats?: Uint16Array;
}

export interface Sampler {
  /** Samples of an epoch of `dataset`, on all ranks together. */
  count(dataset: Dataset): number;
  order(request: SamplerRequest): SampleOrder;
}

/** OpenMMLab's and torchvision's names. Other packages add theirs by declaration merging. */
export interface SamplerTypes {
  DefaultSampler: { readonly shuffle?: boolean };
  InfiniteSampler: { readonly shuffle?: boolean };
  ClassAwareSampler: object;
  RepeatAugSampler: { readonly numRepeats?: number };
}

export type SamplerConfig = TypedConfig<SamplerTypes>;

export const samplers = new Registry<SamplerTypes, Sampler>('sampler');
