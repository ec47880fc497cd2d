/** Chance for one case of fuzzing: the same seed and case number throw the same dice, so a finding is repeated by its number. */

import { HostRandom } from '@omma/nn';

export class Dice {
  readonly #random: HostRandom;
  #numbers: Float32Array = new Float32Array();
  #next = 0;

  constructor(seed: number, salt: number) {
    this.#random = new HostRandom(seed, salt);
  }

  /** In [0, 1). */
  share(): number {
    if (this.#next >= this.#numbers.length) {
      this.#numbers = this.#random.uniform(32);
      this.#next = 0;
    }
    return this.#numbers[this.#next++] ?? 0;
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    // Two draws where one has too few bits.
    const fine = count > 2 ** 20 ? this.share() * 2 ** -24 : 0;
    return Math.min(count - 1, Math.floor((this.share() + fine) * count));
  }

  chance(probability: number): boolean {
    return this.share() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('a choice of nothing');
    return item;
  }
}

/** Numbers at the edges of what sizes, offsets and counts are stored in. */
export const edges: readonly number[] = [
  0,
  1,
  2,
  7,
  8,
  16,
  63,
  64,
  127,
  128,
  255,
  256,
  511,
  512,
  4095,
  32767,
  32768,
  65535,
  65536,
  2 ** 24,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 48,
  2 ** 53 - 1,
  2 ** 53,
  1e18,
  -1,
  -2,
  -128,
  -(2 ** 31),
  -(2 ** 53),
];
