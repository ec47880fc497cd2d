/** Differentiation: what gradients(), grad(), stopGradient and customGrad promise beyond the rules of single ops. */

import {
  customGrad,
  evaluate,
  first,
  grad,
  gradients,
  OmmaError,
  scope,
  stopGradient,
  sum,
  type Tensor,
  tensor,
  trace,
  Variable,
} from '@omma/core';
import { describe, expect, it } from 'vitest';

async function numbers(tensors: readonly Tensor[]): Promise<number[][]> {
  return (await evaluate(tensors, 'reference')).map((host) => [...host.data]);
}

/** The derivative of a function of one tensor, summed. */
const derivative = (f: (x: Tensor) => Tensor) => (x: Tensor) =>
  first(grad((...inputs) => sum(f(first(inputs))))(x));

const scalar = { x: { shape: [], dtype: 'float32' } } as const;
const only = (named: Readonly<Record<string, Tensor>>) => first(Object.values(named));

describe('grad', () => {
  it('gives one gradient for each input', async () => {
    const product = grad((...[a, b]) => (a === undefined || b === undefined ? tensor([0]) : sum(a.mul(b))));
    expect(await numbers(product(tensor([1, 2]), tensor([3, 4])))).toEqual([
      [3, 4],
      [1, 2],
    ]);
    expect(await numbers(product(tensor([5]), tensor([5])))).toEqual([[5], [5]]);
  });

  it('can be applied again and again', async () => {
    const cube = (x: Tensor) => x.mul(x).mul(x);
    const x = tensor([2, -1]);
    const all = [
      derivative(cube)(x),
      derivative(derivative(cube))(x),
      derivative(derivative(derivative(cube)))(x),
    ];
    expect(await numbers(all)).toEqual([
      [12, 3],
      [12, -6],
      [6, 6],
    ]);
  });

  it('differentiates convolution twice', async () => {
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3]);
    const w = tensor([1, -1, 2, 0.5], [1, 1, 2, 2]);
    const inner = (image: Tensor) => derivative((y) => y.conv2d(w).square())(image);
    const [outer] = await numbers([derivative((y) => inner(y).square())(x)]);
    const f = async (shift: number, k: number) => {
      const moved = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((value, i) => (i === k ? value + shift : value));
      const [g] = await numbers([inner(tensor(moved, [1, 1, 3, 3]))]);
      return (g ?? []).reduce((total, value) => total + value * value, 0);
    };
    for (const k of [0, 4, 8])
      expect(outer?.[k]).toBeCloseTo(((await f(0.5, k)) - (await f(-0.5, k))) / 1, 2);
  });

  it('refuses variables outside of trace', () => {
    const weight = new Variable('weight', { shape: [], dtype: 'float32' });
    expect(() => grad((...inputs) => first(inputs).mul(weight.read()))(tensor([1], []))).toThrow(
      /grad: variable weight/,
    );
  });
});

describe('gradients', () => {
  it('are zero where the loss does not depend on a tensor', () => {
    const graph = trace((named) => ({ g: first(gradients(sum(tensor([1, 2])), [only(named)])) }), scalar);
    expect(graph.nodes.at(-1)).toMatchObject({ op: 'full', attrs: { value: 0 } });
  });

  it('refuse a loss of more than one element', () => {
    const two = { x: { shape: [2], dtype: 'float32' } } as const;
    expect(() => trace((named) => ({ g: first(gradients(only(named), [only(named)])) }), two)).toThrow(
      /the loss must have one element but has shape \[2\]/,
    );
  });

  it('carry the module path of the node they belong to', () => {
    const graph = trace((named) => {
      const x = only(named);
      return {
        g: first(
          gradients(
            scope('head', () => x.sin()),
            [x],
          ),
        ),
      };
    }, scalar);
    expect(graph.nodes.find((node) => node.op === 'cos')?.scope).toBe('head');
  });

  it('do no work for inputs that nobody asked about', () => {
    const graph = trace((named) => {
      const x = only(named);
      return { g: first(gradients(x.mul(tensor([2], [])).add(x.stopGradient().exp()), [x])) };
    }, scalar);
    expect(graph.nodes.filter((node) => node.op === 'mul').length).toBe(2);
  });
});

describe('stopGradient', () => {
  it('is the identity, and a constant to differentiation', async () => {
    const f = (x: Tensor) => stopGradient(x).mul(x);
    expect(await numbers([f(tensor([3])), derivative(f)(tensor([3]))])).toEqual([[9], [3]]);
  });
});

describe('customGrad', () => {
  const straightThrough = customGrad(
    (...inputs) => first(inputs).round(),
    (cotangent) => [cotangent],
  );

  it('replaces the gradient and leaves the value', async () => {
    expect(await numbers([straightThrough(tensor([1.4, 2.6]))])).toEqual([[1, 3]]);
    expect(await numbers([derivative((x) => straightThrough(x).mul(3))(tensor([1.4, 2.6]))])).toEqual([
      [3, 3],
    ]);
  });

  it('sees inputs and output, and can be differentiated again', async () => {
    const clever = customGrad(
      (...inputs) => first(inputs).exp(),
      (cotangent, _inputs, output) => [cotangent.mul(output)],
    );
    const [d2] = await numbers([derivative(derivative(clever))(tensor([0.5]))]);
    expect(d2?.[0]).toBeCloseTo(Math.exp(0.5), 6);
  });

  it('keeps the graph plain JSON', () => {
    const graph = trace((named) => ({ y: straightThrough(only(named)) }), scalar);
    expect(JSON.parse(JSON.stringify(graph))).toEqual(graph);
  });

  it('refuses a rule that forgets an input', () => {
    const wrong = customGrad(
      (...inputs) => first(inputs).neg(),
      () => [],
    );
    expect(() => derivative(wrong)(tensor([1]))).toThrow(OmmaError);
    expect(() => derivative(wrong)(tensor([1]))).toThrow(
      /must return 1 gradients, one an input, but returned 0/,
    );
  });
});

describe('outside of trace', () => {
  it('long chains and shared operations run once', async () => {
    let x = tensor([1]);
    for (let i = 0; i < 60; i++) x = x.add(x).mul(0.5);
    for (let i = 0; i < 20_000; i++) x = x.add(1);
    expect(await numbers([x])).toEqual([[20_001]]);
    expect(await numbers([x.mul(2)])).toEqual([[40_002]]);
  });
});
