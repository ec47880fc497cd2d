/** The samplers that take every sample equally often. */

import { sampleOrder } from './order.ts';
import type { SampleOrder, Sampler, SamplerRequest } from './sampler.ts';

export interface ShuffleOptions {
  readonly shuffle: boolean;
}

/** Every sample once an epoch. */
export class DefaultSampler implements Sampler {
  readonly #shuffle: boolean;

  constructor({ shuffle }: ShuffleOptions) {
    this.#shuffle = shuffle;
  }

  count({ length }: { readonly length: number }): number {
    return length;
  }

  order({ dataset, seed, epoch }: SamplerRequest): SampleOrder {
    return { indices: sampleOrder(dataset.length, this.#shuffle, seed, epoch) };
  }
}

/**
 * One endless stream of passes over the data, each shuffled anew, which epochs cut where they end: no sample is left out for not filling a batch.
 * Meant for training by iterations, with `numBatchPerEpoch`.
 */
export class InfiniteSampler implements Sampler {
  readonly #shuffle: boolean;

  constructor({ shuffle }: ShuffleOptions) {
    this.#shuffle = shuffle;
  }

  count({ length }: { readonly length: number }): number {
    return length;
  }

  order({ dataset, seed, epoch, samples }: SamplerRequest): SampleOrder {
    const indices = new Int32Array(samples);
    const repeats = new Uint16Array(samples);
    const start = epoch * samples;
    for (let at = 0; at < samples; ) {
      const pass = Math.floor((start + at) / dataset.length);
      const offset = (start + at) % dataset.length;
      const part = sampleOrder(dataset.length, this.#shuffle, seed, pass).subarray(
        offset,
        offset + samples - at,
      );
      indices.set(part, at);
      // Two passes that meet in an epoch augment differently.
      repeats.fill(pass % 2 ** 16, at, at + part.length);
      at += part.length;
    }
    return { indices, repeats };
  }
}
