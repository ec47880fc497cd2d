/** Random numbers for what happens to samples and batches: a function of the run's seed and of what they are drawn for, whichever thread draws them. */

import { HostRandom, saltOf } from '@omma/nn';

/** Uniform random numbers in [0, 1), fixed by seed, epoch and sample. */
export type RandomNumbers = () => number;

/** Numbers that are drawn at once: most uses need no more. */
const block = 64;

/** The numbers of `purpose`, which names what they are for, and for which sample and epoch. As many as one likes, none of them computed before it is asked for. */
export function randomNumbers(seed: number, purpose: string): RandomNumbers {
  let numbers: Float32Array = new Float32Array();
  let drawn = 0;
  return () => {
    const at = drawn++ % block;
    if (at === 0) {
      const salt = drawn === 1 ? purpose : `${purpose}/${drawn}`;
      numbers = new HostRandom(seed, saltOf(salt)).uniform(block);
    }
    return numbers[at] ?? 0;
  };
}
