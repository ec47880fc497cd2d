/** Batches of no picture: empty results of the right shape, gradients of zero, on every device. */

import { compile, conv2d, gradients, hostTensor, matmul, maxPool2d, relu, reshape, sum } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { suiteDevices } from '../../../tools/src/conformance/devices.ts';

describe.each(suiteDevices())('an empty batch on $name', (entry) => {
  if ('skipped' in entry) {
    it.skip(`left out: ${entry.skipped}`, () => undefined);
    return;
  }

  it('has empty results, and gradients of zero', async () => {
    const run = compile(
      ({ x, w, v, b }) => {
        if (x === undefined || w === undefined || v === undefined || b === undefined) return {};
        const features = maxPool2d(relu(conv2d(x, w, b, { padding: 1 })), { kernel: 2, stride: 2 });
        const y = matmul(reshape(features, [x.dim(0), 16]), v);
        const [dw = y, dv = y, db = y, dx = y] = gradients(sum(y), [w, v, b, x]);
        return { features, y, dw, dv, db, dx };
      },
      { device: entry.device },
    );
    const filled = (shape: readonly number[]) =>
      hostTensor(shape, 'float32', new Float32Array(shape.reduce((a, c) => a * c, 1)).fill(2));
    const results = await run({
      x: filled([0, 3, 4, 4]),
      w: filled([4, 3, 3, 3]),
      v: filled([16, 5]),
      b: filled([4]),
    });
    const shapes = Object.fromEntries(Object.entries(results).map(([name, { shape }]) => [name, shape]));
    expect(shapes).toEqual({
      features: [0, 4, 2, 2],
      y: [0, 5],
      dw: [4, 3, 3, 3],
      dv: [16, 5],
      db: [4],
      dx: [0, 3, 4, 4],
    });
    for (const { data } of Object.values(results)) expect([...data].every((value) => value === 0)).toBe(true);
    run.dispose();
  });
});
