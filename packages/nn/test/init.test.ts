import { describe, expect, it } from 'vitest';
import { HostRandom, init } from '../src/index.ts';

const shape = [64, 32, 3, 3];
const fanIn = 32 * 9;
const fanOut = 64 * 9;
const draw = (initializer: init.Initializer, at = shape) => initializer(at, new HostRandom(7, 11));
const mean = (data: Float32Array) => data.reduce((a, b) => a + b, 0) / data.length;
const std = (data: Float32Array) => {
  const centre = mean(data);
  return Math.sqrt(data.reduce((total, x) => total + (x - centre) ** 2, 0) / data.length);
};
const largest = (data: Float32Array) => data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** Within three per cent: 18432 numbers. */
function expectNear(actual: number, expected: number): void {
  expect(Math.abs(actual - expected) / expected).toBeLessThan(0.03);
}

describe('initialisers', () => {
  it('Kaiming: std is gain over the root of fan in or fan out', () => {
    expectNear(std(draw(init.kaimingNormal())), Math.sqrt(2 / fanIn));
    expectNear(std(draw(init.kaimingNormal({ mode: 'fanOut' }))), Math.sqrt(2 / fanOut));
    expectNear(std(draw(init.kaimingUniform({ nonlinearity: 'linear' }))), Math.sqrt(1 / fanIn));
    expect(largest(draw(init.kaimingUniform()))).toBeLessThanOrEqual(Math.sqrt(6 / fanIn));
  });

  it('Xavier: std is the root of two over both fans', () => {
    expectNear(std(draw(init.xavierNormal())), Math.sqrt(2 / (fanIn + fanOut)));
    expectNear(std(draw(init.xavierUniform(2))), 2 * Math.sqrt(2 / (fanIn + fanOut)));
  });

  it('truncated normal numbers stay inside', () => {
    const data = draw(init.truncatedNormal(0, 0.02, -0.03, 0.03));
    expect(largest(data)).toBeLessThanOrEqual(0.03);
    expect(Math.abs(mean(data))).toBeLessThan(0.001);
  });

  it("PyTorch's defaults stay within one over the root of fan in", () => {
    expect(largest(draw(init.pytorchWeight()))).toBeLessThanOrEqual(1 / Math.sqrt(fanIn) + 1e-7);
    expectNear(largest(draw(init.pytorchWeight())), 1 / Math.sqrt(fanIn));
    expect(largest(draw(init.pytorchBias(shape), [64]))).toBeLessThanOrEqual(1 / Math.sqrt(fanIn));
  });

  it('constants are constant', () => {
    expect([...draw(init.constant(1.5), [3])]).toEqual([1.5, 1.5, 1.5]);
  });

  it('needs a weight with fans', () => {
    expect(() => draw(init.kaimingNormal(), [3])).toThrow(/rank 2 or more but the shape is \[3\]/);
  });
});
