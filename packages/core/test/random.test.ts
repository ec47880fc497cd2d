/** Random numbers: the published Threefry vectors, reproducibility, moments. */

import {
  advance,
  compile,
  dropout,
  evaluate,
  mean,
  randomBits,
  randomKey,
  randomNormal,
  randomUniform,
  tensor,
  threefry2x32,
  Variable,
  variance,
} from '@omma/core';
import { describe, expect, it } from 'vitest';

const key = tensor([42, 7], [2], 'uint32');
const hex = (words: readonly number[]) => words.map((word) => word.toString(16).padStart(8, '0')).join(' ');

describe('threefry2x32', () => {
  it('agrees with the known answers of Random123, 20 rounds', () => {
    const ones = 0xffffffff;
    expect(hex(threefry2x32([0, 0], [0, 0]))).toBe('6b200159 99ba4efe');
    expect(hex(threefry2x32([ones, ones], [ones, ones]))).toBe('1cb996fc bb002be7');
    expect(hex(threefry2x32([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3]))).toBe('c4923a9c 483df7a0');
  });
});

describe('random ops', () => {
  it('use word i mod 2 of the block i / 2, keyed by seed and salt', async () => {
    const [bits] = await evaluate([randomBits(key, [3], 5)], 'reference');
    expect([...(bits?.data ?? [])]).toEqual([
      ...threefry2x32([42, 5], [7, 0]),
      threefry2x32([42, 5], [7, 1])[0],
    ]);
  });

  it('uniform numbers lie in [0, 1) with mean 1/2 and variance 1/12', async () => {
    const x = randomUniform(key, [20000], 1);
    const [numbers, average, spread] = await evaluate([x, mean(x), variance(x)], 'reference');
    expect(numbers?.data.every((u) => u >= 0 && u < 1)).toBe(true);
    expect(average?.data[0]).toBeCloseTo(0.5, 2);
    expect(spread?.data[0]).toBeCloseTo(1 / 12, 2);
  });

  it('normal numbers have mean 0 and variance 1', async () => {
    const x = randomNormal(key, [20000], 2);
    const [average, spread] = await evaluate([mean(x), variance(x)], 'reference');
    expect(Math.abs(average?.data[0] ?? 1)).toBeLessThan(0.02);
    expect(spread?.data[0]).toBeCloseTo(1, 1);
  });

  it('dropout keeps the mean and zeroes a share p', async () => {
    const [y] = await evaluate(
      [dropout(tensor(new Float32Array(20000).fill(1)), { p: 0.25, key, salt: 9 })],
      'reference',
    );
    const zeros = y?.data.filter((value) => value === 0).length ?? 0;
    expect(Math.abs(zeros / 20000 - 0.25)).toBeLessThan(0.01);
    expect(new Set(y?.data)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
  });

  it('draws anew at each step once the key is advanced, and the same again from the same key', async () => {
    const state = new Variable('random', { shape: [2], dtype: 'uint32' }, Uint32Array.of(1, 0));
    const step = compile(
      () => {
        const x = randomUniform(randomKey(state), [4], 0);
        advance(state);
        return { x };
      },
      { device: 'reference' },
    );
    const [first, second] = [await step(), await step()];
    expect(first.x?.data).not.toEqual(second.x?.data);
    expect((await state.download()).data).toEqual(Uint32Array.of(1, 2));
    await state.upload(Uint32Array.of(1, 0));
    expect((await step()).x?.data).toEqual(first.x?.data);
  });
});
