import { compile, gradients, hostTensor } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { BatchNorm2d } from '../src/index.ts';

/** Two channels of four numbers each: N = 2, H = 1, W = 2. */
const numbers = [1, 2, 10, 20, 3, 6, 30, 60];
const input = hostTensor([2, 2, 1, 2], 'float32', Float32Array.from(numbers));
const channels = [
  [1, 2, 3, 6],
  [10, 20, 30, 60],
];
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const variance = (values: readonly number[], correction: number) =>
  values.reduce((total, x) => total + (x - mean(values)) ** 2, 0) / (values.length - correction);

describe('BatchNorm2d', () => {
  it('moves the mean and the unbiased variance by the momentum, once a training step', async () => {
    const norm = new BatchNorm2d(2);
    await norm.weight.upload(Float32Array.of(1, 1));
    const step = compile(({ x }) => (x === undefined ? {} : { y: norm.call(x) }), { device: 'reference' });
    const { y } = await step({ x: input });
    channels.forEach((values, c) => {
      expect(y?.data[2 * c]).toBeCloseTo(
        ((values[0] ?? 0) - mean(values)) / Math.sqrt(variance(values, 0) + 1e-5),
        5,
      );
    });
    const expectAfter = async (rounds: number) => {
      const keep = 0.9 ** rounds;
      const means = (await norm.runningMean.download()).data;
      const variances = (await norm.runningVar.download()).data;
      channels.forEach((values, c) => {
        expect(means[c]).toBeCloseTo((1 - keep) * mean(values), 4);
        expect(variances[c]).toBeCloseTo(keep + (1 - keep) * variance(values, 1), 3);
      });
    };
    await expectAfter(1);
    await step({ x: input });
    await expectAfter(2);
  });

  it('uses the running statistics in evaluation and leaves them alone', async () => {
    const norm = new BatchNorm2d(2).eval();
    await norm.weight.upload(Float32Array.of(2, 2));
    await norm.runningMean.upload(Float32Array.of(1, 10));
    await norm.runningVar.upload(Float32Array.of(4, 100));
    const { y } = await compile(({ x }) => (x === undefined ? {} : { y: norm.call(x) }), {
      device: 'reference',
    })({ x: input });
    const expected = numbers.map((x, i) =>
      i % 4 < 2 ? (2 * (x - 1)) / Math.sqrt(4 + 1e-5) : (2 * (x - 10)) / Math.sqrt(100 + 1e-5),
    );
    expected.forEach((value, i) => {
      expect(y?.data[i]).toBeCloseTo(value, 4);
    });
    expect([...(await norm.runningMean.download()).data]).toEqual([1, 10]);
  });

  it('leaves the running statistics alone in training with an empty batch, which has gradients of zero', async () => {
    const norm = new BatchNorm2d(2);
    await norm.runningMean.upload(Float32Array.of(1, 10));
    await norm.runningVar.upload(Float32Array.of(4, 100));
    const step = compile(
      ({ x }) => {
        if (x === undefined) return {};
        const y = norm.call(x);
        const [weight = y] = gradients(y.sum(), [norm.weight.read()]);
        return { y, weight };
      },
      { device: 'reference' },
    );
    const { y, weight } = await step({ x: hostTensor([0, 2, 3, 3], 'float32', new Float32Array()) });
    expect(y?.shape).toEqual([0, 2, 3, 3]);
    expect([...(weight?.data ?? [])]).toEqual([0, 0]);
    expect([...(await norm.runningMean.download()).data]).toEqual([1, 10]);
    expect([...(await norm.runningVar.download()).data]).toEqual([4, 100]);
  });
});
