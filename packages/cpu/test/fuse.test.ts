/** The fusing passes: what they make of typical graphs, and that the result computes the same. */
import {
  add,
  batchNormTrain,
  compile,
  exp,
  type Graph,
  gradients,
  type HostTensor,
  hostTensor,
  mul,
  type Node,
  prepare,
  relu,
  sub,
  sum,
  type Tensor,
  type TensorRecord,
  trace,
  Variable,
} from '@omma/core';
import { afterAll, describe, expect, it } from 'vitest';
import { fuse } from '../src/fuse/index.ts';
import { createCpuDevice } from '../src/index.ts';
import { random } from './random.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());

type Inputs = Record<string, HostTensor>;
type Body = (inputs: TensorRecord) => TensorRecord;

const of = (inputs: TensorRecord, name: string): Tensor => {
  const found = inputs[name];
  if (found === undefined) throw new Error(`no input ${name}`);
  return found;
};

function fusedGraph(body: Body, inputs: Inputs): Graph {
  return fuse(prepare(trace(body, inputs), cpu, { amp: null, onUnsupported: 'error' }));
}

const opsOf = (graph: Graph): string[] => graph.nodes.map(({ op }) => op);
const named = (graph: Graph, op: string): Node[] => graph.nodes.filter((node) => node.op === op);

function stepsOf(node: Node | undefined): string[] {
  const program = node?.attrs.program;
  if (typeof program !== 'object' || !('steps' in program) || !Array.isArray(program.steps)) return [];
  return program.steps.map((step) => String(step.op));
}

async function expectSame(body: Body, inputs: Inputs, tolerance: number): Promise<void> {
  const [found, expected] = await Promise.all(
    [cpu, 'reference'].map(async (device) => {
      const run = compile(body, { device });
      const results = await run(inputs);
      run.dispose();
      return results;
    }),
  );
  for (const [name, { data }] of Object.entries(expected ?? {})) {
    data.forEach((value, i) => {
      const other = found?.[name]?.data[i] ?? Number.NaN;
      if (!(Math.abs(other - value) <= tolerance * (1 + Math.abs(value)))) {
        throw new Error(`${name}[${i}] is ${other}, the reference has ${value}`);
      }
    });
  }
}

/** Two norms, the second with a residual, as in a residual block; gradients of everything. */
function block(downsample: boolean): Body {
  return (inputs) => {
    const [x, w, b] = [of(inputs, 'x'), of(inputs, 'w'), of(inputs, 'b')];
    const first = batchNormTrain(x, w, b);
    const middle = mul(relu(first.y), of(inputs, 'scale'));
    const second = batchNormTrain(middle, w, b);
    const identity = downsample ? batchNormTrain(mul(x, 2), w, b).y : x;
    const y = relu(add(second.y, identity));
    const loss = sum(mul(y, of(inputs, 'dy')));
    const slopes = gradients(loss, [x, w, b]).map((slope, i) => [`d${i}`, slope] as const);
    return { y, mean: second.mean, variance: first.variance, ...Object.fromEntries(slopes) };
  };
}

const blockInputs: Inputs = {
  x: random([3, 16, 6, 5], 1),
  w: random([16], 2),
  b: random([16], 3),
  scale: random([16, 1, 1], 4),
  dy: random([3, 16, 6, 5], 7),
};

describe('fused batch norm', () => {
  it('takes in the residual and the ReLU, forward and backward', () => {
    const graph = fusedGraph(block(false), blockInputs);
    const forward = named(graph, 'fusedBatchNormTrain');
    expect(forward.map(({ inputs, attrs }) => [inputs.length, attrs.relu])).toEqual([
      [3, true],
      [4, true],
    ]);
    const backward = named(graph, 'fusedBatchNormTrainGrad');
    // The block's output masks the residual branch too; the inner norm finds its mask again from x.
    expect(backward.map(({ outputs, attrs }) => [outputs.length, attrs.mask])).toEqual([
      [4, 'output'],
      [3, 'input'],
    ]);
    expect(opsOf(graph)).not.toContain('reluGrad');
  });

  it('takes the other norm as its residual in a block that changes the shape', () => {
    const graph = fusedGraph(block(true), blockInputs);
    expect(named(graph, 'fusedBatchNormTrain')).toHaveLength(2);
    expect(named(graph, 'batchNormTrain')).toHaveLength(1);
  });

  it.each([false, true])('computes what its parts compute (two norms added: %s)', async (downsample) => {
    await expectSame(block(downsample), blockInputs, 2e-5);
  });

  it('adds up the gradients of the two branches that follow', async () => {
    const body: Body = (inputs) => {
      const [w, b] = [of(inputs, 'w'), of(inputs, 'b')];
      const block = (x: Tensor) => relu(add(batchNormTrain(mul(x, of(inputs, 'scale')), w, b).y, x));
      const x = of(inputs, 'x');
      const y = block(block(x));
      return { y, dx: gradients(sum(mul(y, of(inputs, 'dy'))), [x])[0] ?? x };
    };
    const graph = fusedGraph(body, blockInputs);
    const backward = named(graph, 'fusedBatchNormTrainGrad');
    expect(backward.map(({ inputs }) => inputs.length)).toEqual([6, 7]);
    await expectSame(body, blockInputs, 2e-5);
  });

  it('leaves a norm alone whose output has other readers', () => {
    const graph = fusedGraph((inputs) => {
      const { y } = batchNormTrain(of(inputs, 'x'), of(inputs, 'w'), of(inputs, 'b'));
      return { y, z: relu(y) };
    }, blockInputs);
    expect(opsOf(graph)).toEqual(['batchNormTrain', 'relu']);
  });
});

describe('fused elementwise nodes', () => {
  const pair: Inputs = { a: random([300, 70], 1), b: random([70], 2) };

  it('make one pass of a chain, with constants inside', async () => {
    const body: Body = (inputs) => ({ y: relu(add(mul(of(inputs, 'a'), 3), of(inputs, 'b'))) });
    const graph = fusedGraph(body, pair);
    expect(opsOf(graph)).toEqual(['fusedElementwise']);
    expect(stepsOf(graph.nodes[0])).toEqual(['full', 'mul', 'add', 'relu']);
    await expectSame(body, pair, 1e-6);
  });

  it('keep what others read as further outputs', async () => {
    const body: Body = (inputs) => {
      const scaled = mul(of(inputs, 'a'), of(inputs, 'b'));
      return { scaled, y: sub(exp(scaled), of(inputs, 'a')) };
    };
    const graph = fusedGraph(body, pair);
    expect(graph.nodes.map(({ outputs }) => outputs.length)).toEqual([2]);
    await expectSame(body, pair, 1e-6);
  });

  it('never run in a circle: what goes through a reduction comes back in a later node', async () => {
    const body: Body = (inputs) => {
      const a = exp(of(inputs, 'a'));
      const total = sum(a, { axes: [1], keepDims: true });
      return { y: add(mul(a, total), a) };
    };
    const graph = fusedGraph(body, pair);
    expect(opsOf(graph)).toEqual(['exp', 'sum', 'fusedElementwise']);
    await expectSame(body, pair, 1e-5);
  });

  it('read an expanded operand before its expansion', () => {
    const body: Body = (inputs) => ({
      y: gradients(sum(relu(of(inputs, 'a'))), [of(inputs, 'a')])[0] ?? of(inputs, 'a'),
    });
    const graph = fusedGraph(body, pair);
    expect(opsOf(graph)).not.toContain('expand');
  });

  it('update a parameter and its momentum in one node, in place', async () => {
    const weight = new Variable('w', { shape: [50, 40], dtype: 'float32' }, random([50, 40], 3).data);
    const momentum = new Variable('m', { shape: [50, 40], dtype: 'float32' });
    const body: Body = (inputs) => {
      const w = weight.read();
      const gradient = add(of(inputs, 'g'), mul(w, 0.01));
      const moved = add(mul(momentum.read(), 0.9), gradient);
      momentum.write(moved);
      weight.write(sub(w, mul(moved, of(inputs, 'lr'))));
      return {};
    };
    const inputs: Inputs = { g: random([50, 40], 4), lr: hostTensor([], 'float32', Float32Array.of(0.5)) };
    const graph = fusedGraph(body, inputs);
    expect(graph.nodes.map(({ op, outputs }) => [op, outputs.length])).toEqual([['fusedElementwise', 2]]);

    const expectedWeight = Float64Array.from(random([50, 40], 3).data);
    const expectedMomentum = new Float64Array(2000);
    const g = inputs.g?.data ?? [];
    const run = compile(body, { device: cpu });
    for (let step = 0; step < 3; step++) {
      await run(inputs);
      expectedWeight.forEach((w, i) => {
        const m = 0.9 * (expectedMomentum[i] ?? 0) + (g[i] ?? 0) + 0.01 * w;
        expectedMomentum[i] = m;
        expectedWeight[i] = w - 0.5 * m;
      });
    }
    const [w, m] = [await weight.download(), await momentum.download()];
    expectedWeight.forEach((value, i) => {
      expect(Math.abs((w.data[i] ?? Number.NaN) - value)).toBeLessThan(2e-6);
    });
    expectedMomentum.forEach((value, i) => {
      expect(Math.abs((m.data[i] ?? Number.NaN) - value)).toBeLessThan(2e-6);
    });
    run.dispose();
  });

  it('are found in linear time', () => {
    const chain = (length: number): Graph =>
      trace((inputs) => {
        let a = of(inputs, 'a');
        for (let i = 0; i < length; i++)
          a = i % 50 === 49 ? sum(a, { axes: [1], keepDims: true }).add(a) : a.mul(1.01).relu();
        return { a };
      }, pair);
    const time = (graph: Graph) => {
      const begin = performance.now();
      fuse(graph);
      return performance.now() - begin;
    };
    const [short, long] = [chain(1000), chain(8000)];
    time(short);
    expect(time(long)).toBeLessThan(20 * (time(short) + 5));
  });
});
