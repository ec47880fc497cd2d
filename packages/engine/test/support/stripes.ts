/** The data set `Stripes`, in a file of its own because worker threads open it. */

import { hostTensor, OmmaError, StoreError } from '@omma/core';
import { HostRandom, saltOf } from '@omma/nn';
import type { Dataset, DatasetSource, Sample, SampleContext } from '../../src/data/types.ts';

export interface StripesOptions {
  readonly length: number;
  readonly corrupt?: readonly number[];
  /** Samples that are a defect: something other than an OmmaError is thrown. */
  readonly broken?: readonly number[];
  /** A sample that ends the thread, or the process, that loads it. */
  readonly fatal?: number;
  /** A sample whose store cannot be reached. */
  readonly away?: number;
  readonly delayMs?: number;
  /** Counts the samples that were asked for, in any thread. */
  readonly seen?: Int32Array;
}

/** Pictures with vertical (class 1) or horizontal (class 0) stripes under noise that depends on the epoch. */
export class Stripes implements Dataset {
  readonly classes = ['horizontal', 'vertical'];
  readonly length: number;
  readonly #options: StripesOptions;

  constructor(options: StripesOptions) {
    this.length = options.length;
    this.#options = options;
  }

  async load(index: number, { seed, epoch, training, allocate }: SampleContext): Promise<Sample> {
    const { corrupt = [], broken = [], fatal, away, delayMs = 0, seen } = this.#options;
    if (seen !== undefined) Atomics.add(seen, 0, 1);
    if (fatal === index) process.exit(7);
    if (delayMs > 0) await new Promise((done) => setTimeout(done, delayMs));
    if (corrupt.includes(index)) throw new OmmaError(`${this.nameOf(index)}: truncated`);
    if (away === index) throw new StoreError(`${this.nameOf(index)} cannot be reached`);
    if (broken.includes(index)) throw new TypeError('a defect');
    const label = this.labelOf(index);
    const noise = new HostRandom(seed, saltOf(`${training ? epoch : 'val'}/${index}`)).uniform(64);
    const data = allocate?.('image', 'uint8', [8, 8, 1]) ?? new Uint8Array(64);
    noise.forEach((u, i) => {
      data[i] = ((label === 1 ? i % 8 : i >> 3) % 2) * 180 + u * 75;
    });
    return {
      tensors: {
        image: hostTensor([8, 8, 1], 'uint8', data),
        label: hostTensor([], 'int32', Int32Array.of(label)),
      },
    };
  }

  nameOf(index: number): string {
    return `stripes/${index}.png`;
  }

  labelOf(index: number): number {
    return index % 2;
  }

  source(): DatasetSource {
    return { module: import.meta.url, name: 'openStripes', options: this.#options };
  }
}

export function openStripes(options: StripesOptions): Stripes {
  return new Stripes(options);
}
