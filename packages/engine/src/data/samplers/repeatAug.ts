/**
 * Repeated augmentation (Hoffer et al., 2020; DeiT's `RepeatAugSampler`): each sample comes several times in a row, augmented differently, and an
 * epoch is as long as ever, so it sees a part of the data.
 */

import type { Dataset } from '../types.ts';
import { sampleOrder } from './order.ts';
import type { SampleOrder, Sampler, SamplerRequest } from './sampler.ts';

export class RepeatAugSampler implements Sampler {
  readonly #times: number;

  constructor({ numRepeats }: { readonly numRepeats: number }) {
    this.#times = numRepeats;
  }

  count({ length }: Dataset): number {
    return length;
  }

  order({ dataset: { length }, seed, epoch }: SamplerRequest): SampleOrder {
    const order = sampleOrder(length, true, seed, epoch);
    return {
      indices: Int32Array.from({ length }, (_, i) => order[Math.floor(i / this.#times)] ?? 0),
      repeats: Uint16Array.from({ length }, (_, i) => i % this.#times),
    };
  }
}
