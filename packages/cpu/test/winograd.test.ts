/**
 * Winograd convolutions against the direct kernels: forward with every epilogue, both gradients, ragged edges, uneven padding.
 *
 * F(4x4, 3x3) in float32 amplifies rounding by about ten (Lavin and Gray). A direct sum of k products of numbers in [-1, 1) is about
 * sqrt(k) / 3 and each of its roundings up to 2^-24 of that, uniformly, so after n terms the error has a standard deviation of
 * 2^-24 / sqrt(3) * n / sqrt(18). The bound is seven times ten of these: no output in a million lies beyond.
 */
import { add, compile, conv2d, gradients, type HostTensor, mul, relu, sum, type Tensor } from '@omma/core';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createCpuDevice } from '../src/index.ts';
import { random } from './random.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());
afterEach(() => {
  delete process.env.OMMA_WINOGRAD;
});

type Inputs = Readonly<Record<string, HostTensor>>;
type Body = (input: (name: string) => Tensor) => Readonly<Record<string, Tensor>>;

/** `body` as a function of named tensors, which must be there. */
function traceable(body: Body) {
  return (inputs: Readonly<Record<string, Tensor>>) =>
    body((name) => {
      const tensor = inputs[name];
      if (tensor === undefined) throw new Error(`no input ${name}`);
      return tensor;
    });
}

/** Largest difference between the direct and the Winograd kernels, over all outputs, in units of `unit`. */
async function difference(body: Body, inputs: Inputs, units: Readonly<Record<string, number>>) {
  process.env.OMMA_WINOGRAD = 'off';
  const direct = await compile(traceable(body), { device: cpu })(inputs);
  delete process.env.OMMA_WINOGRAD;
  const run = compile(traceable(body), { device: cpu, profile: true });
  const executable = await run.prepare(inputs);
  const fast = await executable.run(inputs);
  const ops = executable.profile().map((node) => node.op);
  for (const [name, unit] of Object.entries(units)) {
    const [a, b] = [direct[name]?.data ?? [], fast[name]?.data ?? []];
    let largest = 0;
    for (let i = 0; i < a.length; i++)
      largest = Math.max(largest, Math.abs((a[i] ?? 0) - (b[i] ?? Number.NaN)));
    expect(largest, name).toBeLessThan(unit);
  }
  return ops;
}

/** For sums of `terms` products of numbers in [-1, 1). */
const bound = (terms: number) => (7 * 10 * 2 ** -24 * terms) / Math.sqrt(3 * 18);

describe('a 3x3 convolution', () => {
  const x = random([22, 64, 17, 22], 1);
  const w = random([80, 64, 3, 3], 2);

  it('agrees with the direct kernel where tiles are cut at the edge', async () => {
    for (const padding of [0, 1, 2]) {
      const ops = await difference(
        (input) => ({ y: conv2d(input('x'), input('w'), null, { padding }) }),
        { x, w },
        { y: bound(576) },
      );
      expect(ops).toContain('winogradConv2d');
    }
  });

  it('adds bias and residual and applies relu', async () => {
    const b = random([80], 3);
    const r = random([22, 80, 17, 22], 4);
    const body: Body = (input) => ({
      y: relu(add(conv2d(input('x'), input('w'), input('b'), { padding: 1 }), input('r'))),
    });
    expect(await difference(body, { x, w, b, r }, { y: bound(576) })).toContain('winogradConv2d');
  });

  it.each([
    ['of many pictures', 22, 64, 80, 17, 22],
    // All tiles are one group, and neither count of channels is a multiple of what a thread takes at a time.
    ['of small maps with many channels', 16, 176, 208, 7, 8],
  ])('has the gradients of the direct kernels: %s', async (_, n, c, k, height, width) => {
    const inputs = {
      x: random([n, c, height, width], 1),
      w: random([k, c, 3, 3], 2),
      dy: random([n, k, height, width], 5),
    };
    const body: Body = (input) => {
      const y = conv2d(input('x'), input('w'), null, { padding: 1 });
      const [dx, dw] = gradients(sum(mul(y, input('dy'))), [input('x'), input('w')]);
      return { ...(dx && { dx }), ...(dw && { dw }) };
    };
    const ops = await difference(body, inputs, { dx: bound(9 * k), dw: bound(n * height * width) });
    expect(ops).toContain('winogradConv2dWeightGrad');
    expect(ops.filter((op) => op === 'winogradConv2d')).toHaveLength(1);
  });

  it('stays direct where there is nothing to gain', async () => {
    const strided = await difference(
      (input) => ({ y: conv2d(input('x'), input('w'), null, { stride: 2 }) }),
      { x, w },
      { y: bound(576) },
    );
    expect(strided).not.toContain('winogradConv2d');
  });
});
