/** A data set of made-up pictures, for runs that need data but no files: stripes of two directions under noise that depends on the epoch. */

import { hostTensor } from '@omma/core';
import { type Dataset, type DatasetSource, datasets, type Sample, type SampleContext } from '@omma/engine';
import { HostRandom, saltOf } from '@omma/nn';
import { z } from 'zod';

export interface NoiseOptions {
  readonly length: number;
  /** Height and width in pixels. */
  readonly size: number;
}

declare module '@omma/engine' {
  interface DatasetTypes {
    Noise: NoiseOptions;
  }
}

export class Noise implements Dataset {
  readonly classes = ['horizontal', 'vertical'];
  readonly length: number;
  readonly #size: number;

  constructor({ length, size }: NoiseOptions) {
    this.length = length;
    this.#size = size;
  }

  async load(index: number, { seed, epoch, training }: SampleContext): Promise<Sample> {
    const size = this.#size;
    const label = index % 2;
    const noise = new HostRandom(seed, saltOf(`${training ? epoch : 'val'}/${index}`)).uniform(
      3 * size * size,
    );
    const data = Uint8Array.from(noise, (u, i) => {
      const pixel = Math.floor(i / 3);
      const stripe = label === 1 ? pixel % size : Math.floor(pixel / size);
      return (stripe % 2) * 100 + u * 155;
    });
    return {
      tensors: {
        image: hostTensor([size, size, 3], 'uint8', data),
        label: hostTensor([], 'int32', Int32Array.of(label)),
      },
    };
  }

  nameOf(index: number): string {
    return `noise ${index}`;
  }

  source(): DatasetSource {
    return { module: import.meta.url, name: 'openNoise', options: { length: this.length, size: this.#size } };
  }
}

/** For worker threads. */
export function openNoise(options: NoiseOptions): Noise {
  return new Noise(options);
}

datasets.register(
  'Noise',
  z.strictObject({ length: z.int().positive(), size: z.int().positive() }),
  (options) => new Noise(options),
);
