/** The upper half of one picture over the lower half of another: a mix of samples, in a file of its own because worker threads open it. */

import { hostTensor } from '@omma/core';
import type { RandomNumbers } from '../../src/data/random.ts';
import type { DatasetSource, Sample } from '../../src/data/types.ts';
import type { SampleMix } from '../../src/data/wrappers/multiImageMix.ts';

export class Halves implements SampleMix {
  partners(index: number, length: number, random: RandomNumbers): number[] {
    return [(index + 1 + Math.floor(random() * (length - 1))) % length];
  }

  mix([upper, lower]: readonly Sample[]): Sample {
    const [above, below] = [upper?.tensors.image, lower?.tensors.image];
    if (upper === undefined || above === undefined || below === undefined) throw new Error('no pictures');
    const pixels = Uint8Array.from(above.data, (value, i) =>
      i < above.data.length / 2 ? value : (below.data[i] ?? 0),
    );
    return { tensors: { ...upper.tensors, image: hostTensor(above.shape, 'uint8', pixels) } };
  }

  source(): DatasetSource {
    return { module: import.meta.url, name: 'openHalves', options: {} };
  }
}

export function openHalves(): Halves {
  return new Halves();
}
