/** Batches of no picture and layers without input: results of the right shape, gradients of zero, on every device. */

import {
  add,
  compile,
  conv2d,
  gradients,
  hostTensor,
  linear,
  matmul,
  maxPool2d,
  relu,
  reshape,
  sum,
} from '@omma/core';
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

  it('without input features a layer gives its bias, which alone has a gradient', async () => {
    const run = compile(
      ({ x, w, image, kernel, b }) => {
        if (
          x === undefined ||
          w === undefined ||
          image === undefined ||
          kernel === undefined ||
          b === undefined
        )
          return {};
        const y = linear(x, w, b);
        const features = conv2d(image, kernel, b, { padding: 1 });
        const [dx = y, dw = y, db = y] = gradients(add(sum(y), sum(features)), [x, w, b]);
        return { y, features, plain: linear(x, w), dx, dw, db };
      },
      { device: entry.device },
    );
    const none = (shape: readonly number[]) => hostTensor(shape, 'float32', new Float32Array(0));
    const results = await run({
      x: none([2, 3, 0]),
      w: none([2, 0]),
      image: none([1, 0, 2, 2]),
      kernel: none([2, 0, 3, 3]),
      b: hostTensor([2], 'float32', Float32Array.of(5, 7)),
    });
    const numbers = Object.entries(results).map(([name, { shape, data }]) => [name, shape, [...data]]);
    expect(numbers).toEqual([
      ['y', [2, 3, 2], [5, 7, 5, 7, 5, 7, 5, 7, 5, 7, 5, 7]],
      ['features', [1, 2, 2, 2], [5, 5, 5, 5, 7, 7, 7, 7]],
      ['plain', [2, 3, 2], Array(12).fill(0)],
      ['dx', [2, 3, 0], []],
      ['dw', [2, 0], []],
      ['db', [2], [10, 10]],
    ]);
    run.dispose();
  });
});
