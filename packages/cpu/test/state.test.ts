/**
 * State on the CPU device: weights lie in the layout of their kernels from step to step, and nobody outside can tell.
 */
import {
  add,
  batchNorm,
  compile,
  conv2d,
  type Device,
  gradients,
  hostTensor,
  mul,
  relu,
  sizeOf,
  sub,
  sum,
  type Tensor,
  Variable,
} from '@omma/core';
import { afterAll, describe, expect, it } from 'vitest';
import { createCpuDevice } from '../src/index.ts';
import { random } from './random.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());

const x = random([2, 16, 10, 10], 1);
const given = (tensor: Tensor | undefined): Tensor => {
  if (tensor === undefined) throw new Error('an input is missing');
  return tensor;
};
const weight = (shape: number[], seed: number) => {
  const host = random(shape, seed);
  return new Variable(`w${seed}`, host, host.data);
};
const convolve = (input: Tensor, w: Variable) => conv2d(input, w.read(), null, { padding: 1 });

/** Two convolutions trained by gradient descent with momentum. */
function network() {
  const weights = [weight([32, 16, 3, 3], 2), weight([16, 32, 3, 3], 3)] as const;
  const moments = weights.map((w) => new Variable(`${w.name}.momentum`, w));
  const forward = (input: Tensor) => convolve(relu(convolve(input, weights[0])), weights[1]);
  const train = (device: Device | string) =>
    compile(
      (inputs) => {
        const loss = sum(mul(forward(given(inputs.x)), 0.001));
        const slopes = gradients(
          loss,
          weights.map((w) => w.read()),
        );
        weights.forEach((w, i) => {
          const moment = moments[i];
          if (moment === undefined) throw new Error('no moment');
          const moved = add(mul(moment.read(), 0.9), given(slopes[i]));
          moment.write(moved);
          w.write(sub(w.read(), mul(moved, 0.1)));
        });
        return { loss };
      },
      { device },
    );
  return { weights, moments, forward, train };
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-4) {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < actual.length; i++)
    largest = Math.max(largest, Math.abs(Number(actual[i]) - Number(expected[i])));
  expect(largest).toBeLessThan(tolerance);
}

describe('state', () => {
  it('of three training steps is the same as on the reference, weights and moments', async () => {
    const [ours, theirs] = [network(), network()];
    const [fast, slow] = [ours.train(cpu), theirs.train('reference')];
    for (let step = 0; step < 3; step++) {
      const [a, b] = [await fast({ x }), await slow({ x })];
      expectClose(a.loss?.data ?? [], b.loss?.data ?? []);
    }
    for (const [mine, its] of [...ours.weights, ...ours.moments].map(
      (v, i) => [v, [...theirs.weights, ...theirs.moments][i]] as const,
    )) {
      expectClose((await mine.download()).data, (await its?.download())?.data ?? []);
    }
  });

  it('can be read by a second program between steps, and written by upload', async () => {
    const { weights, forward, train } = network();
    const step = train(cpu);
    const evaluate = compile((inputs) => ({ y: forward(given(inputs.x)) }), { device: cpu });
    const small = hostTensor([1, 16, 10, 10], 'float32', x.data.slice(0, 1600));
    const before = (await evaluate({ x })).y?.data.slice() ?? [];
    await step({ x });
    const after = (await evaluate({ x })).y?.data ?? [];
    expect(after).not.toEqual(before);
    expectClose((await evaluate({ x: small })).y?.data ?? [], after.slice(0, after.length / 2));
    const zeros = new Float32Array(16 * 32 * 9);
    await weights[1].upload(zeros);
    expectClose((await evaluate({ x })).y?.data ?? [], new Float32Array(after.length), 1e-12);
    expect((await weights[1].download()).data).toEqual(zeros);
  });

  it('folded into a convolution follows the state it was made from', async () => {
    const host = random([16], 5);
    const [scale, mean] = [new Variable('scale', host, host.data), new Variable('mean', host)];
    const variance = new Variable(
      'variance',
      host,
      Float32Array.from({ length: 16 }, () => 1),
    );
    const w = weight([16, 16, 3, 3], 4);
    const run = (device: Device | string) =>
      compile(
        (inputs) => ({
          y: relu(
            batchNorm(convolve(given(inputs.x), w), scale.read(), mean.read(), mean.read(), variance.read()),
          ),
        }),
        { device },
      );
    const fast = run(cpu);
    const first = (await fast({ x })).y?.data.slice() ?? [];
    await scale.upload(host.data.map((value) => 2 * value));
    const second = (await fast({ x })).y?.data ?? [];
    expectClose(
      second,
      first.map((value) => 2 * value),
      1e-3,
    );
    expectClose(second, (await run('reference')({ x })).y?.data ?? [], 1e-3);
  });

  it('swaps and rotates as if all writes happened at once', async () => {
    const [a, b] = [weight([8, 8], 6), weight([8, 8], 7)];
    const [oldA, oldB] = [await a.download(), await b.download()];
    const swap = compile(
      () => {
        const [first, second] = [a.read(), b.read()];
        a.write(second);
        b.write(first);
        return { first };
      },
      { device: cpu },
    );
    expect((await swap()).first?.data).toEqual(oldA.data);
    expect((await a.download()).data).toEqual(oldB.data);
    expect((await b.download()).data).toEqual(oldA.data);
  });

  it('gives its memory back', async () => {
    const baseline = cpu.memory().live;
    const { weights, moments, train } = network();
    const step = train(cpu);
    await step({ x });
    // What earlier tests held may go at any time, so only falls are certain.
    const held = cpu.memory().live;
    step.dispose();
    const variables = [...weights, ...moments];
    for (const variable of variables) variable.release();
    // `dispose` waits for the program's runs, which takes the rest of this turn of the event loop; then its end is in the device's queue.
    await new Promise(setImmediate);
    await cpu.synchronize();
    const bytes = variables.reduce((total, { shape }) => total + 4 * sizeOf(shape), 0);
    expect(cpu.memory().live).toBeLessThanOrEqual(Math.min(baseline, held - bytes));
    expect(cpu.memory().peak).toBeGreaterThanOrEqual(held);
  });
});

describe('runs', () => {
  it('happen in call order and leave the event loop free', async () => {
    const counter = new Variable('counter', { shape: [], dtype: 'float32' });
    const big = random([8, 64, 56, 56], 8);
    const w = weight([64, 64, 3, 3], 9);
    const step = compile(
      (inputs) => {
        const next = add(counter.read(), 1);
        counter.write(next);
        return { next, y: sum(convolve(given(inputs.x), w)) };
      },
      { device: cpu },
    );
    await step.prepare({ x: big });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const results = await Promise.all(Array.from({ length: 6 }, () => step({ x: big })));
    clearInterval(timer);
    expect(results.map((result) => result.next?.data[0])).toEqual([1, 2, 3, 4, 5, 6]);
    expect(turns).toBeGreaterThan(1);
  });
});
