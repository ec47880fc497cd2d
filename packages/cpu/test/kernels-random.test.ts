/** The CPU device draws the same numbers as the reference device, bit for bit. */
import { afterAll, describe, it } from 'vitest';
import { createCpuDevice } from '../src/index.ts';
import { type Case, expectAgreement, titleOf } from './agreement.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());

const keys = [
  [0, 0],
  [42, 7],
  [0xffffffff, 0xffffffff],
];
const shapes = [[1], [5], [16], [17], [3, 4, 5], [40001]];

const cases = ['randomBits', 'randomUniform'].flatMap((op) =>
  keys.flatMap((values) =>
    shapes.map((shape, i): Case => {
      const salt = i === 0 ? 0xffffffff : i;
      return {
        op,
        inputs: [{ shape: [2], dtype: 'uint32', values }],
        attrs: { shape, salt },
        note: values.join(),
        terms: 0,
      };
    }),
  ),
);

describe('random kernels', () => {
  it.each(cases.map((one) => [titleOf(one), one] as const))('%s', async (_, one) => {
    await expectAgreement(cpu, one);
  });
});
