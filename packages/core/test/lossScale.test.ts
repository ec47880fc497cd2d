/** Loss scaling: gradients come back unscaled, an overflow skips the step and halves the scale, calm doubles it. */

import {
  compile,
  first,
  gradients,
  hostTensor,
  LossScale,
  largestFloat16,
  linear,
  scaledGradients,
  sum,
  Variable,
  writesOnlyIf,
} from '@omma/core';
import { describe, expect, it } from 'vitest';

function setUp(interval: number, limit?: number) {
  const weight = new Variable('weight', { shape: [1], dtype: 'float32' }, Float32Array.of(1));
  const lossScale = new LossScale('scale', {
    initial: 1024,
    interval,
    ...(limit === undefined ? {} : { limit }),
  });
  const step = compile(
    ({ x }) => {
      if (x === undefined) throw new Error('x');
      const w = weight.read();
      const scaled = scaledGradients(sum(w.mul(x)), [w], lossScale);
      const gradient = first(scaled.gradients);
      writesOnlyIf(scaled.finite, () => {
        weight.write(w.sub(gradient.mul(0.5)));
      });
      return { gradient, finite: scaled.finite };
    },
    { device: 'reference', amp: 'float16' },
  );
  const run = (value: number) => step({ x: hostTensor([1], 'float32', Float32Array.of(value)) });
  const read = async () => ({
    weight: (await weight.download()).data[0],
    scale: (await lossScale.scale.download()).data[0],
    good: (await lossScale.goodSteps.download()).data[0],
  });
  return { run, read };
}

describe('scaledGradients', () => {
  it('are the gradients', async () => {
    const { run, read } = setUp(10);
    const { gradient, finite } = await run(0.5);
    expect(gradient?.data[0]).toBe(0.5);
    expect(finite?.data[0]).toBe(1);
    expect(await read()).toEqual({ weight: 0.75, scale: 1024, good: 1 });
  });

  it('keep what float16 alone would lose', async () => {
    const weight = new Variable('weight', { shape: [1, 1], dtype: 'float32' }, Float32Array.of(1));
    const lossScale = new LossScale('scale', { initial: 1024 });
    const step = compile(
      ({ x }) => {
        if (x === undefined) throw new Error('x');
        const w = weight.read();
        const loss = sum(
          linear(x, w)
            .cast('float32')
            .mul(2 ** -26),
        );
        return {
          plain: first(gradients(loss, [w])),
          scaled: first(scaledGradients(loss, [w], lossScale).gradients),
        };
      },
      { device: 'reference', amp: 'float16' },
    );
    const { plain, scaled } = await step({ x: hostTensor([1, 1], 'float32', Float32Array.of(1)) });
    expect(plain?.data[0]).toBe(0);
    expect(scaled?.data[0]).toBe(2 ** -26);
  });

  it('skip the step and shrink the scale when one is not finite', async () => {
    const { run, read } = setUp(10);
    await run(0.5);
    const { finite } = await run(Number.POSITIVE_INFINITY);
    expect(finite?.data[0]).toBe(0);
    expect(await read()).toEqual({ weight: 0.75, scale: 512, good: 0 });
    await run(Number.NaN);
    expect(await read()).toEqual({ weight: 0.75, scale: 256, good: 0 });
  });

  it('skip the step at the largest float16 where the device saturates, and only there', async () => {
    const atTheLimit = 65504 / 1024;
    const saturates = setUp(10, largestFloat16);
    await saturates.run(63);
    expect(await saturates.read()).toEqual({ weight: -30.5, scale: 1024, good: 1 });
    for (const value of [atTheLimit, -2 * atTheLimit, Number.NaN]) await saturates.run(value);
    expect(await saturates.read()).toEqual({ weight: -30.5, scale: 128, good: 0 });
    const overflows = setUp(10);
    await overflows.run(atTheLimit);
    expect(await overflows.read()).toMatchObject({ scale: 1024, good: 1 });
  });

  it('stay at a scale that neither grows nor shrinks, and skip steps all the same', async () => {
    const weight = new Variable('weight', { shape: [], dtype: 'float32' }, Float32Array.of(2));
    const lossScale = new LossScale('scale', { initial: 8, growth: 1, backoff: 1, interval: 1 });
    const step = compile(
      ({ x }) => {
        if (x === undefined) throw new Error('x');
        const w = weight.read();
        const { finite } = scaledGradients(w.mul(x), [w], lossScale);
        return { finite };
      },
      { device: 'reference' },
    );
    for (const [value, finite] of [
      [1, 1],
      [Number.POSITIVE_INFINITY, 0],
      [2, 1],
    ] as const) {
      const result = await step({ x: hostTensor([], 'float32', Float32Array.of(value)) });
      expect(result.finite?.data[0]).toBe(finite);
      expect((await lossScale.scale.download()).data[0]).toBe(8);
    }
  });

  it('grow the scale after enough finite steps in a row', async () => {
    const { run, read } = setUp(2);
    await run(0);
    await run(0);
    expect(await read()).toEqual({ weight: 1, scale: 2048, good: 0 });
  });
});
