/** Passes: graph in, graph out, the same numbers. */

import {
  applyMixedPrecision,
  at,
  batchNormTrain,
  compile,
  conv2d,
  device,
  eliminateDeadCode,
  first,
  foldConstants,
  type Graph,
  gradients,
  graphValue,
  hostTensor,
  iota,
  lowerUnsupported,
  mul,
  prepare,
  relu,
  softmax,
  sum,
  type Tensor,
  tensor,
  trace,
  Variable,
} from '@omma/core';
import { describe, expect, it } from 'vitest';

const vector = { x: { shape: [4], dtype: 'float32' } } as const;
const only = (named: Readonly<Record<string, Tensor>>) => first(Object.values(named));
const ops = (graph: Graph) => graph.nodes.map((node) => node.op);
const traced = (fn: (x: Tensor) => Tensor) => trace((named) => ({ y: fn(only(named)) }), vector);

describe('eliminateDeadCode', () => {
  it('removes what no result depends on, and keeps the rest as it is', () => {
    const graph = traced((x) => {
      x.exp().log();
      return x.neg();
    });
    expect(ops(eliminateDeadCode(graph))).toEqual(['neg']);
  });

  it('keeps what a state write depends on, and inputs that nobody uses', () => {
    const state = new Variable('state', { shape: [4], dtype: 'float32' });
    const graph = trace((named) => {
      state.write(only(named).exp());
      return {};
    }, vector);
    expect(ops(eliminateDeadCode(graph))).toEqual(['exp']);
    expect(eliminateDeadCode(trace(() => ({}), vector)).inputs).toHaveLength(1);
  });

  it('gives back a graph without dead code unchanged', () => {
    const graph = traced((x) => x.exp());
    expect(eliminateDeadCode(graph)).toBe(graph);
  });
});

describe('foldConstants', () => {
  const folded = (fn: (x: Tensor) => Tensor) => eliminateDeadCode(foldConstants(traced(fn)));

  it('computes what depends on constants only', () => {
    const graph = folded((x) => x.mul(tensor([1, 2, 3, 4]).add(1)));
    expect(ops(graph)).toEqual(['constant', 'mul']);
    expect(at(graph.nodes, 0).attrs.data).toEqual([2, 3, 4, 5]);
  });

  it('makes a filled array of equal numbers', () => {
    const graph = folded((x) => x.mul(tensor([2, 2, 2, 2]).square()));
    expect(at(graph.nodes, 0)).toMatchObject({ op: 'full', attrs: { shape: [4], value: 4 } });
  });

  it('removes operations that do nothing', () => {
    const same = (x: Tensor) => x.add(0).mul(1).sub(0).div(1).stopGradient();
    expect(ops(folded((x) => same(x)))).toEqual([]);
    expect(ops(folded((x) => mul(1, x).neg()))).toEqual(['neg']);
  });

  it('keeps x + 0 when it broadcasts x', () => {
    const graph = folded((x) => x.add(tensor(new Float32Array(8), [2, 4])));
    expect(ops(graph)).toEqual(['constant', 'add']);
  });

  it('never makes a large constant', () => {
    const graph = folded((x) => sum(iota([100, 100], 0, 'float32').mul(2)).add(x));
    expect(ops(graph)).toContain('sum');
    expect(JSON.stringify(graph).length).toBeLessThan(2000);
  });

  it('keeps x * 0, which is not 0 for a number that is not finite', () => {
    expect(ops(folded((x) => x.mul(0)))).toContain('mul');
  });
});

describe('lowerUnsupported', () => {
  const without = (...lacks: readonly string[]) => ({
    ...device('reference'),
    name: 'small',
    supports: (node: { op: string }) => !lacks.includes(node.op) || 'not here',
  });

  it('takes apart what the device lacks, until nothing is left that it lacks', () => {
    const small = { ...device('reference'), ...without('softmax', 'max') };
    expect(() =>
      lowerUnsupported(
        traced((x) => softmax(x, 0)),
        small,
        'error',
      ),
    ).toThrow(/device small cannot run max: not here, and max has no lowering/);
    const graph = lowerUnsupported(
      traced((x) => softmax(x, 0)),
      { ...device('reference'), ...without('softmax', 'silu', 'sigmoid') },
      'error',
    );
    expect(ops(graph)).toEqual(['max', 'sub', 'exp', 'sum', 'div']);
  });
});

describe('applyMixedPrecision', () => {
  const image = { x: { shape: [2, 3, 8, 8], dtype: 'float32' } } as const;
  const weight = new Variable('weight', { shape: [4, 3, 3, 3], dtype: 'float32' });
  const gamma = new Variable('gamma', { shape: [4], dtype: 'float32' }, new Float32Array(4).fill(1));
  const beta = new Variable('beta', { shape: [4], dtype: 'float32' });
  const step = (named: Readonly<Record<string, Tensor>>) => {
    const w = weight.read();
    const y = batchNormTrain(conv2d(only(named), w, null, { padding: 1 }), gamma.read(), beta.read(), {
      eps: 1e-5,
    });
    const loss = sum(relu(y.y).mul(0.5).square());
    const [dw] = gradients(loss, [w]);
    if (dw !== undefined) weight.write(w.sub(dw.mul(0.01)));
    return { loss, mean: y.mean };
  };
  const graph = eliminateDeadCode(
    foldConstants(applyMixedPrecision(eliminateDeadCode(trace(step, image)), 'bfloat16')),
  );
  const typeOf = (op: string) => {
    const node = graph.nodes.find((candidate) => candidate.op === op);
    return {
      inputs: node?.inputs.map((id) => graphValue(graph, id).dtype),
      outputs: node?.outputs.map((id) => graphValue(graph, id).dtype),
    };
  };

  it('computes convolutions in 16 bits and their weight gradients to 32', () => {
    expect(typeOf('conv2d')).toEqual({ inputs: ['bfloat16', 'bfloat16'], outputs: ['bfloat16'] });
    expect(typeOf('conv2dWeightGrad')).toEqual({ inputs: ['bfloat16', 'bfloat16'], outputs: ['float32'] });
  });

  it('keeps parameters and statistics of normalisation in 32 bits', () => {
    expect(typeOf('batchNormTrain').inputs).toEqual(['bfloat16', 'float32', 'float32']);
    expect(typeOf('batchNormTrain').outputs).toEqual(['bfloat16', 'float32', 'float32']);
  });

  it('lets activations follow and scalars adapt', () => {
    expect(typeOf('relu').outputs).toEqual(['bfloat16']);
    expect(typeOf('mul').outputs).toEqual(['bfloat16']);
    expect(typeOf('reluGrad').outputs).toHaveLength(1);
  });

  it('leaves inputs, outputs and state as they were', () => {
    for (const port of graph.outputs) expect(graphValue(graph, port.value).dtype).toBe('float32');
    for (const slot of graph.state) {
      expect(graphValue(graph, slot.read).dtype).toBe('float32');
      if (slot.write !== null) expect(graphValue(graph, slot.write).dtype).toBe('float32');
    }
  });

  it('casts a weight once', () => {
    const casts = graph.nodes.filter((node) => node.op === 'cast' && node.inputs[0] === graph.state[0]?.read);
    expect(casts).toHaveLength(1);
  });

  it('changes results by rounding only', async () => {
    const data = Float32Array.from({ length: 2 * 3 * 64 }, (_, i) => Math.sin(i));
    const x = hostTensor([2, 3, 8, 8], 'float32', data);
    const losses: number[] = [];
    for (const amp of [undefined, 'bfloat16', 'float16'] as const) {
      await weight.upload(Float32Array.from({ length: 108 }, (_, i) => Math.cos(3 * i)));
      const run = compile(step, { device: 'reference', ...(amp === undefined ? {} : { amp }) });
      await run({ x });
      losses.push((await run({ x })).loss?.data[0] ?? 0);
    }
    const [exact = 0, ...others] = losses;
    for (const other of others) expect(Math.abs(other / exact - 1)).toBeLessThan(0.02);
    expect(new Set(losses).size).toBe(3);
  });
});

describe('prepare', () => {
  it('gives every node a supported op', () => {
    const graph = prepare(
      traced((x) => x.logSumExp().add(x.variance())),
      device('reference'),
      { amp: null, onUnsupported: 'error' },
    );
    for (const node of graph.nodes) expect(device('reference').supports(node, graph)).toBe(true);
  });
});
