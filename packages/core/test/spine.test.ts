/** From a traced function to numbers: trace, gradients, compile, eager, on the reference device. */

import {
  compile,
  evaluate,
  gradients,
  hostTensor,
  mul,
  printGraph,
  sum,
  tensor,
  trace,
  Variable,
} from '@omma/core';
import { describe, expect, it } from 'vitest';

const vector = (...numbers: number[]) => hostTensor([numbers.length], 'float32', Float32Array.from(numbers));
const types = { x: { shape: [2, 3], dtype: 'float32' } } as const;

describe('trace', () => {
  it('shares equal nodes', () => {
    const graph = trace(({ x }) => (x === undefined ? {} : { y: x.mul(x).add(x.mul(x)) }), types);
    expect(graph.nodes.map((node) => node.op)).toEqual(['mul', 'add']);
  });

  it('prints as text', () => {
    const graph = trace(({ x }) => (x === undefined ? {} : { y: x.relu() }), types);
    expect(printGraph(graph)).toContain('%1 float32[2, 3] = relu(%0)');
  });
});

describe('compile', () => {
  it('runs a function with its gradient', async () => {
    const run = compile(
      ({ x }) => {
        if (x === undefined) throw new Error('x');
        const loss = sum(x.mul(x).mul(3));
        return { loss, dx: gradients(loss, [x])[0] ?? loss };
      },
      { device: 'reference' },
    );
    const { loss, dx } = await run({ x: vector(1, 2, 3) });
    expect(loss?.data[0]).toBe(42);
    expect(dx?.data).toEqual(Float32Array.of(6, 12, 18));
  });

  it('keeps state from call to call', async () => {
    const counter = new Variable('counter', { shape: [], dtype: 'float32' });
    const step = compile(
      () => {
        counter.write(counter.read().add(1));
        return { now: counter.read() };
      },
      { device: 'reference' },
    );
    await step();
    const { now } = await step();
    expect(now?.data[0]).toBe(2);
    expect((await counter.download()).data[0]).toBe(2);
  });
});

describe('variables', () => {
  it('of the same name are refused', () => {
    const type = { shape: [], dtype: 'float32' } as const;
    const fn = () => ({ y: new Variable('w', type).read().add(new Variable('w', type).read()) });
    expect(() => trace(fn, {})).toThrow(/variable w: two variables have this name/);
  });

  it('start at zero, and refuse data of another size', async () => {
    const zero = new Variable('zero', { shape: [2], dtype: 'bfloat16' });
    expect((await zero.download()).data).toEqual(Uint16Array.of(0, 0));
    expect(() => new Variable('bad', { shape: [2], dtype: 'float32' }, new Float32Array(3))).toThrow(
      /shape \[2\] needs 2 elements but the data has 3/,
    );
    await expect(zero.upload(new Float32Array(2))).rejects.toThrow(/must be a Uint16Array/);
  });
});

describe('outside of trace', () => {
  it('operations run when their numbers are asked for', async () => {
    const [y] = await evaluate([mul(tensor([1, 2]), 4)], 'reference');
    expect(y?.data).toEqual(Float32Array.of(4, 8));
  });
});
