/** compile(): one executable per signature, a bounded number of them, variables that move, failures that are not remembered. */

import { compile, device, first, hostTensor, onWarning, ShapeError, type Tensor, Variable } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { referenceUnder } from './support/referenceUnder.ts';

/** A second device with the reference's kernels that counts what is compiled and disposed, and may fail to compile. */
function counting(failures = 0) {
  const reference = device('reference');
  const counts = { compiled: 0, disposed: 0 };
  let failing = failures;
  const counted = referenceUnder('counting', {
    compile: async (graph, options) => {
      if (failing-- > 0) throw new Error('out of memory');
      counts.compiled++;
      const executable = await reference.compile(graph, options);
      return { ...executable, dispose: () => void counts.disposed++ };
    },
  });
  return { counted, counts };
}

const zeros = (size: number) => ({ x: hostTensor([size], 'float32', new Float32Array(size)) });
const only = (named: Readonly<Record<string, Tensor>>) => first(Object.values(named));
const double = (named: Readonly<Record<string, Tensor>>) => ({ y: only(named).mul(2) });

describe('compile', () => {
  it('compiles once per input signature', async () => {
    const { counted, counts } = counting();
    const run = compile(double, { device: counted });
    await Promise.all([run(zeros(1)), run(zeros(1)), run(zeros(2))]);
    await run(zeros(2));
    expect(counts.compiled).toBe(2);
  });

  it('keeps at most 16 signatures, and hints once beyond 8', async () => {
    const warnings: string[] = [];
    const previous = onWarning((message) => warnings.push(message));
    const { counted, counts } = counting();
    const run = compile(double, { device: counted, name: 'step' });
    for (let size = 1; size <= 20; size++) await run(zeros(size));
    onWarning(previous);
    expect(counts).toEqual({ compiled: 20, disposed: 4 });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/step was compiled for 9 input signatures.*x: float32\[9\]/);
    await run(zeros(20));
    expect(counts.compiled).toBe(20);
    await run(zeros(1));
    expect(counts.compiled).toBe(21);
  });

  it('forgets the least recently used signature first', async () => {
    const { counted, counts } = counting();
    const previous = onWarning(() => undefined);
    const run = compile(double, { device: counted });
    for (let size = 1; size <= 16; size++) await run(zeros(size));
    await run(zeros(1));
    await run(zeros(17));
    onWarning(previous);
    await run(zeros(1));
    expect(counts.compiled).toBe(17);
  });

  it('disposes everything it made', async () => {
    const { counted, counts } = counting();
    const run = compile(double, { device: counted });
    await run(zeros(1));
    await run(zeros(2));
    run.dispose();
    await Promise.resolve();
    expect(counts.disposed).toBe(2);
  });

  it('does not remember a failed compile', async () => {
    const { counted, counts } = counting(1);
    const run = compile(double, { device: counted });
    await expect(run(zeros(1))).rejects.toThrow('out of memory');
    expect((await run(zeros(1))).y?.data).toEqual(Float32Array.of(0));
    expect(counts.compiled).toBe(1);
  });

  it('throws the error of a function that cannot be traced, with the module path', async () => {
    const run = compile((named) => ({ y: only(named).reshape([7]) }), { device: 'reference' });
    await expect(run(zeros(3))).rejects.toThrow(ShapeError);
  });

  it('moves variables to the device that needs them', async () => {
    const { counted, counts } = counting();
    const counter = new Variable('counter', { shape: [], dtype: 'float32' });
    const fn = () => {
      counter.write(counter.read().add(1));
      return {};
    };
    const there = compile(fn, { device: counted });
    const here = compile(fn, { device: 'reference' });
    await there();
    await here();
    await there();
    expect((await counter.download()).data[0]).toBe(3);
    expect(counts).toEqual({ compiled: 2, disposed: 1 });
  });
});
