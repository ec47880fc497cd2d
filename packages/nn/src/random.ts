/**
 * Random numbers in a model: on the host for initialisers, and in the graph for layers that draw while training.
 *
 * Both are Threefry 2x32 with a key and a counter, never a hidden generator: what is drawn depends on the seed and on what it is
 * drawn for, not on what was drawn before.
 */

import { OmmaError, type Tensor, threefry2x32 } from '@omma/core';

/** Numbers for one purpose: `salt` names it. */
export class HostRandom {
  readonly #seed: number;
  readonly #salt: number;
  #next = 0;

  constructor(seed: number, salt: number) {
    this.#seed = seed >>> 0;
    this.#salt = salt >>> 0;
  }

  /** `count` numbers in [0, 1), multiples of 2^-24. */
  uniform(count: number): Float32Array {
    const numbers = new Float32Array(count);
    for (let i = 0; i < count; i += 2) {
      const [a, b] = threefry2x32([this.#seed, this.#salt], [0, this.#next++]);
      numbers[i] = (a >>> 8) * 2 ** -24;
      if (i + 1 < count) numbers[i + 1] = (b >>> 8) * 2 ** -24;
    }
    return numbers;
  }

  /** `count` numbers from the standard normal distribution, by Box and Muller. */
  normal(count: number): Float32Array {
    const numbers = this.uniform(count + (count % 2));
    for (let i = 0; i < count; i += 2) {
      const radius = Math.sqrt(-2 * Math.log(1 - (numbers[i] ?? 0)));
      const angle = 2 * Math.PI * (numbers[i + 1] ?? 0);
      numbers[i] = radius * Math.cos(angle);
      numbers[i + 1] = radius * Math.sin(angle);
    }
    return count % 2 === 0 ? numbers : numbers.slice(0, count);
  }
}

/** A 32-bit salt from a name (FNV-1a). */
export function saltOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new Uint8Array(Array.from(name, (character) => character.charCodeAt(0)))) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}

let current: { readonly key: Tensor; salt: number } | null = null;

/**
 * Runs `body` with `key` (a `uint32[2]` of seed and counter) as the source of the random numbers that layers draw in training.
 * Salts count up in tracing order, so a model draws the same numbers each time it is traced.
 */
export function withRandomKey<T>(key: Tensor, body: () => T): T {
  const outer = current;
  current = { key, salt: 0 };
  try {
    return body();
  } finally {
    current = outer;
  }
}

/** The key and a fresh salt for one drawing layer. */
export function drawKey(layer: string): { key: Tensor; salt: number } {
  if (current === null) {
    throw new OmmaError(
      `${layer}: needs a random key in training; run the model inside withRandomKey, or call eval() first`,
    );
  }
  return { key: current.key, salt: current.salt++ };
}
