/**
 * Random numbers for augmentation: a counter-based generator keyed by the run's seed and the epoch, counting from the sample's index.
 *
 * No state is carried from one sample to the next, so the order of samples and the number of workers change nothing, and a resumed
 * run augments as the killed one would have.
 */

import { threefry2x32 } from '@omma/core';
import type { RandomNumbers } from '../transforms/transform.ts';

/** The uniform numbers that belong to one sample in one epoch of one run. */
export function sampleRandom(seed: number, epoch: number, index: number): RandomNumbers {
  let drawn = 0;
  let spare = 0;
  return () => {
    if (drawn % 2 === 1) {
      drawn++;
      return toUniform(spare);
    }
    const [bits, next] = threefry2x32([seed, epoch], [index, drawn / 2]);
    spare = next;
    drawn++;
    return toUniform(bits);
  };
}

/** The upper 24 bits as a number in [0, 1), as `randomUniform` makes them. */
function toUniform(bits: number): number {
  return (bits >>> 8) * 2 ** -24;
}
