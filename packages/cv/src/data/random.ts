/**
 * Random numbers for augmentation: a counter-based generator keyed by the run's seed and the epoch, counting from the sample's index.
 *
 * No state is carried from one sample to the next, so the order of samples and the number of workers change nothing, and a resumed
 * run augments as the killed one would have.
 */

import { threefry2x32 } from '@omma/core';
import type { RandomNumbers } from '../transforms/transform.ts';

/** The uniform numbers that belong to one sample in one epoch of one run, at the time that it comes there for the `repeat`th time. */
export function sampleRandom(seed: number, epoch: number, index: number, repeat = 0): RandomNumbers {
  // Repeats are keys, so that however many numbers one draws, it never draws another's.
  const key: [number, number] = [(seed ^ Math.imul(repeat, 0x9e3779b1)) >>> 0, epoch];
  let drawn = 0;
  let spare = 0;
  return () => {
    if (drawn % 2 === 1) {
      drawn++;
      return toUniform(spare);
    }
    const [bits, next] = threefry2x32(key, [index, drawn / 2]);
    spare = next;
    drawn++;
    return toUniform(bits);
  };
}

/** The upper 24 bits as a number in [0, 1), as `randomUniform` makes them. */
function toUniform(bits: number): number {
  return (bits >>> 8) * 2 ** -24;
}
