/** From a traced function to numbers: trace, gradients, compile, eager, on the reference device. */

import {
  compile,
  evaluate,
  fingerprint,
  gradients,
  hostTensor,
  mul,
  printGraph,
  scope,
  sum,
  type Tensor,
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

describe('a traced graph', () => {
  const image = { x: { shape: [1, 3, 4, 4], dtype: 'float32' } } as const;

  it('is plain JSON, and its fingerprint depends on its content alone', () => {
    const make = (slope: number, path: string) =>
      trace(({ x }) => (x === undefined ? {} : { y: scope(path, () => x.leakyRelu(slope)) }), image);
    const graph = make(0.1, 'a');
    expect(JSON.parse(JSON.stringify(graph))).toEqual(graph);
    expect(fingerprint(make(0.1, 'b'))).toBe(fingerprint(graph));
    expect(fingerprint(make(0.2, 'a'))).not.toBe(fingerprint(graph));
  });

  it('carries module paths, into errors too', () => {
    const wrong = () =>
      trace(
        ({ x }) =>
          x === undefined
            ? {}
            : { y: scope('backbone', () => scope('conv1', () => x.add(tensor([1, 2, 3])))) },
        image,
      );
    expect(wrong).toThrow(
      /add: shapes \[1, 3, 4, 4\] and \[3\] do not broadcast at axis 3, at backbone\.conv1$/,
    );
  });

  it('refuses tensors of another trace', () => {
    let leaked: Tensor | undefined;
    trace(({ x }) => {
      leaked = x;
      return {};
    }, image);
    expect(() => trace(() => (leaked === undefined ? {} : { y: leaked.neg() }), image)).toThrow(
      /a tensor of another trace was used/,
    );
  });
});

describe('operands', () => {
  it('are numbers that the dtype can hold', () => {
    expect(() => tensor([1, 2], [2], 'int32').mul(0.5)).toThrow(
      /mul: the number 0.5 cannot be int32; cast the tensor/,
    );
    expect(() => tensor([1, 2]).add(tensor([1, 2], [2], 'int32'))).toThrow(
      /add: a and b must have the same dtype/,
    );
  });

  it('take negative axes and one open extent', () => {
    const x = tensor([1, 2, 3, 4, 5, 6], [1, 2, 3]);
    expect(x.sum({ axes: [-1] }).shape).toEqual([1, 2]);
    expect(x.reshape([3, -1]).shape).toEqual([3, 2]);
    expect(x.transpose([-1, 0, 1]).shape).toEqual([3, 1, 2]);
    expect(x.slice({ starts: [-2], ends: [9], axes: [-1] }).shape).toEqual([1, 2, 2]);
    expect(() => x.sum({ axes: [3] })).toThrow(/sum: axis must be an integer in \[-3, 2\] but is 3/);
    expect(() => x.reshape([4, -1])).toThrow(/reshape: \[1, 2, 3\] with 6 elements does not fit \[4, -1\]/);
  });

  it('are the tensor of a method: await x.data()', async () => {
    expect(await tensor([1, 2]).mul(3).data()).toEqual(Float32Array.of(3, 6));
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
