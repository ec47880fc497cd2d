/** In which order samples come: a permutation that depends on the seed and the epoch alone, so that a resumed run continues it. */

import { HostRandom, saltOf } from '@omma/nn';

/** 0 to length - 1 in the order of `epoch`: shuffled (Fisher-Yates), or as they are. */
export function sampleOrder(length: number, shuffle: boolean, seed: number, epoch: number): Int32Array {
  const order = Int32Array.from({ length }, (_, i) => i);
  if (!shuffle) return order;
  const draws = new HostRandom(seed, saltOf(`shuffle/${epoch}`)).uniform(length);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor((draws[i] ?? 0) * (i + 1));
    const kept = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = kept;
  }
  return order;
}
