/** Negative padding takes away, as in PyTorch's F.pad; its gradient is zero where nothing is kept. */

import { compile, first, gradients, hostTensor, pad, sum } from '@omma/core';
import { expect, it } from 'vitest';

const x = hostTensor([2, 4], 'float32', Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));

it('a negative border is cut off, before the other side is filled', async () => {
  const step = compile(
    (inputs) => {
      if (inputs.x === undefined) throw new Error('x');
      const y = pad(inputs.x, {
        pads: [
          [1, -1],
          [-1, 2],
        ],
        value: 9,
      });
      return { y, slope: first(gradients(sum(y.mul(y)), [inputs.x])) };
    },
    { device: 'reference' },
  );
  const { y, slope } = await step({ x });
  expect(y?.shape).toEqual([2, 5]);
  expect([...(y?.data ?? [])]).toEqual([9, 9, 9, 9, 9, 2, 3, 4, 9, 9]);
  expect([...(slope?.data ?? [])]).toEqual([0, 4, 6, 8, 0, 0, 0, 0]);
});

it('cannot take more than there is', () => {
  const step = compile(
    ({ x: input }) =>
      input === undefined
        ? {}
        : {
            y: pad(input, {
              pads: [
                [-2, -1],
                [0, 0],
              ],
            }),
          },
    {
      device: 'reference',
    },
  );
  expect(() => step.graph({ x })).toThrow(
    /pad: \[-2, -1\] takes more from axis 0 of x \[2, 4\] than there is/,
  );
});
