/**
 * Threefry-2x32 with 20 rounds: a counter-based random number generator (Salmon, Moraes, Dror, Shaw: Parallel random numbers,
 * as easy as 1, 2, 3; SC 2011). A pure function of key and counter, so every device makes the same numbers in any order.
 */

const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const parity = 0x1bd11bda;

/** The two 32-bit words for a key and a counter of two words each. */
export function threefry2x32(
  key: readonly [number, number],
  counter: readonly [number, number],
): [number, number] {
  const schedule = [key[0], key[1], parity ^ key[0] ^ key[1]];
  let a = (counter[0] + key[0]) >>> 0;
  let b = (counter[1] + key[1]) >>> 0;
  for (let round = 0; round < 20; round++) {
    const by = rotations[round % 8] ?? 0;
    a = (a + b) >>> 0;
    b = ((b << by) | (b >>> (32 - by))) ^ a;
    if (round % 4 !== 3) continue;
    const injection = (round + 1) / 4;
    a = (a + (schedule[injection % 3] ?? 0)) >>> 0;
    b = b + (schedule[(injection + 1) % 3] ?? 0) + injection;
  }
  return [a, b >>> 0];
}
