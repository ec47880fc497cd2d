/** In which order samples come: permutations that depend on the seed and a number alone, so that a resumed run continues them. */

import { HostRandom, saltOf } from '@omma/nn';

/** 0 to length - 1 in the order of `epoch`: shuffled (Fisher-Yates), or as they are. */
export function sampleOrder(length: number, shuffle: boolean, seed: number, epoch: number): Int32Array {
  const order = Int32Array.from({ length }, (_, i) => i);
  return shuffle ? shuffled(order, seed, `shuffle/${epoch}`) : order;
}

/** `order` shuffled in place by random numbers that `seed` and `name` decide. */
export function shuffled(order: Int32Array, seed: number, name: string): Int32Array {
  const draws = new HostRandom(seed, saltOf(name)).uniform(order.length);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor((draws[i] ?? 0) * (i + 1));
    const kept = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = kept;
  }
  return order;
}
