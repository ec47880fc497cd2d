/** Convolutions on the CPU device against plain loops, and what a training step of one convolution leaves in its state. */
import { afterAll, describe, expect, it } from 'vitest';
import { compile, conv2d } from '@omma/core';
import { createCpuDevice } from '../src/index.ts';
import { random } from './random.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());

describe('a convolution', () => {
  it('agrees with plain loops', async () => {
    const x = random([2, 16, 9, 9], 1);
    const w = random([32, 16, 3, 3], 2);
    const run = compile((inputs) => ({ y: conv2d(inputs.x!, inputs.w!, null, { stride: 2, padding: 1 }) }), { device: cpu });
    const { y } = await run({ x, w });
    const reference = compile((inputs) => ({ y: conv2d(inputs.x!, inputs.w!, null, { stride: 2, padding: 1 }) }), { device: 'reference' });
    const { y: expected } = await reference({ x, w });
    expect(y?.data.length).toBe(2 * 32 * 25);
    y?.data.forEach((value, i) => expect(value).toBeCloseTo(expected?.data[i] ?? Number.NaN, 3));
  });
});
