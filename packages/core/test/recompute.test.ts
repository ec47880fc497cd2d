/** Activation checkpointing: what is computed again in the backward pass, what is kept, and that no bit of a gradient changes. */

import {
  add,
  advance,
  allReduce,
  batchNormTrain,
  compile,
  conv2d,
  type Device,
  device,
  dropout,
  fingerprint,
  type Graph,
  gradients,
  type HostTensor,
  hostTensor,
  mul,
  prepare,
  reachable,
  relu,
  scope,
  stopGradient,
  sum,
  type Tensor,
  type TensorRecord,
  trace,
  Variable,
} from '@omma/core';
import { describe, expect, it } from 'vitest';
import { referenceUnder } from './support/referenceUnder.ts';

const shape = [2, 3, 4, 4];
const numbers = (length: number, start: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(start + 1.7 * i));

/** Three blocks of convolution, batch norm with running means, ReLU and dropout, the last one residual. */
function network() {
  const make = (name: string, of: readonly number[], start: number) =>
    new Variable(
      name,
      { shape: of, dtype: 'float32' },
      numbers(
        of.reduce((a, b) => a * b),
        start,
      ),
    );
  const blocks = ['stage.0', 'stage.1', 'head'].map((name, i) => ({
    name,
    weight: make(`${name}.weight`, [3, 3, 3, 3], i),
    scale: make(`${name}.scale`, [3], i + 10),
    shift: make(`${name}.shift`, [3], i + 20),
    mean: make(`${name}.mean`, [3], i + 30),
  }));
  const key = new Variable('key', { shape: [2], dtype: 'uint32' }, Uint32Array.of(7, 0));
  const parameters = blocks.flatMap(({ weight, scale, shift }) => [weight, scale, shift]);
  const step = (recompute: readonly string[]) => (inputs: TensorRecord) => {
    let x: Tensor | undefined = inputs.x;
    if (x === undefined) return {};
    for (const [salt, { name, weight, scale, shift, mean }] of blocks.entries()) {
      const before: Tensor = x;
      x = scope(name, () => {
        const { y, mean: found } = batchNormTrain(
          conv2d(before, weight.read(), null, { padding: 1 }),
          scale.read(),
          shift.read(),
        );
        mean.write(add(mul(mean.read(), 0.9), mul(found, 0.1)));
        return add(dropout(relu(y), { p: 0.3, key: key.read(), salt }), before);
      });
    }
    const loss = sum(mul(x, x));
    const found = gradients(
      loss,
      parameters.map((parameter) => parameter.read()),
      { recompute },
    );
    advance(key);
    return { loss, ...Object.fromEntries(found.map((gradient, i) => [`g${i}`, gradient])) };
  };
  return { step, variables: [...parameters, ...blocks.map(({ mean }) => mean), key] };
}

const input = { x: hostTensor(shape, 'float32', numbers(96, 3)) };
const types = { x: { shape, dtype: 'float32' } } as const;

/** All that two steps give and leave behind. */
async function outcome(recompute: readonly string[], on: Device): Promise<number[][]> {
  const { step, variables } = network();
  const run = compile(step(recompute), { device: on });
  const first = await run(input);
  const second = await run(input);
  const kept = await Promise.all(variables.map((variable) => variable.download()));
  run.dispose();
  for (const variable of variables) variable.release();
  const all: HostTensor[] = [...Object.values(first), ...Object.values(second), ...kept];
  return all.map(({ data }) => Array.from(data, Number));
}

function prepared(recompute: readonly string[], on = device('reference')): Graph {
  return prepare(trace(network().step(recompute), types), on, { amp: null, onUnsupported: 'error' });
}

const count = ({ nodes }: Graph, op: string, module = '') =>
  nodes.filter((node) => node.op === op && node.scope.startsWith(module)).length;

describe('gradients with recompute', () => {
  it.each([[['stage']], [['stage.0', 'stage.1']], [['stage.1', 'head']], [['stage', 'head']]])(
    'of %j are those without, to the bit, and so are statistics and random numbers',
    async (recompute) => {
      const reference = device('reference');
      expect(await outcome(recompute, reference)).toEqual(await outcome([], reference));
    },
  );

  it('compute the modules again, and only those, without writing their statistics twice', () => {
    const plain = prepared([]);
    const graph = prepared(['stage.1']);
    for (const op of ['conv2d', 'batchNormTrain', 'randomUniform']) {
      expect([op, count(plain, op), count(graph, op), count(graph, op, 'stage.1')]).toEqual([op, 3, 4, 2]);
    }
    expect(graph.state.map(({ name }) => name)).toEqual(plain.state.map(({ name }) => name));
  });

  it('read of the forward pass only what other modules read too', () => {
    const { nodes, values } = prepared(['stage.0', 'stage.1', 'head']);
    const backward = nodes.findIndex(({ op }) => op === 'optimizationBarrier');
    const read = new Set(nodes.slice(backward).flatMap(({ inputs }) => inputs));
    const kept = nodes
      .slice(0, backward)
      .filter(({ outputs: [id = -1] }) => read.has(id) && values[id]?.shape.length === 4)
      .map(({ op, scope: module }) => `${op} ${module}`);
    // The sums at the ends of two blocks, and the gradient of the loss at the third.
    expect(kept).toEqual(['add stage.0', 'add stage.1', 'add ']);
  });

  it('refuse a module within another', () => {
    expect(() => trace(network().step(['head', 'stage.1', 'stage']), types)).toThrow(
      'gradients: recompute has stage.1, which is part of stage; leave one of them out',
    );
    // A name that only begins alike is another module.
    expect(() => trace(network().step(['stage.1', 'stage.10']), types)).not.toThrow();
  });

  it('leave a collective of the module alone, so that no rank waits for one that others do not repeat', () => {
    const traced = (recompute: readonly string[]) =>
      trace(
        ({ x, w }) => {
          if (x === undefined || w === undefined) return {};
          const y = scope('norm', () => relu(allReduce(relu(mul(x, w)), 2)).exp());
          return { g: gradients(sum(mul(y, y)), [w], { recompute })[0] ?? y };
        },
        Object.fromEntries(['x', 'w'].map((name) => [name, { shape: [3], dtype: 'float32' }])),
      );
    const forward = (graph: Graph) => graph.nodes.filter(({ op }) => op === 'allReduce').length;
    // One forward, and one of its gradient.
    expect([forward(traced([])), forward(traced(['norm']))]).toEqual([2, 2]);
    expect(count(traced(['norm']), 'relu')).toBeGreaterThan(count(traced([]), 'relu'));
  });

  it('are those of a graph without recomputation on a device that has no barrier', async () => {
    const reference = device('reference');
    const without = referenceUnder('no barrier', {
      supports: (node, graph) =>
        node.op === 'optimizationBarrier' ? 'not here' : reference.supports(node, graph),
    });
    expect(fingerprint(prepared(['stage'], without))).toBe(fingerprint(prepared([], without)));
  });
});

describe('reachable', () => {
  it('tells which tensors the loss has a gradient for', () => {
    let found: boolean[] = [];
    trace(
      ({ a, b, c, d }) => {
        if (a === undefined || b === undefined || c === undefined || d === undefined) return {};
        const loss = sum(add(mul(a, stopGradient(b)), c.greater(0).cast('float32')));
        found = reachable(loss, [a, b, c, d, loss]);
        return { loss };
      },
      Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, { shape: [2], dtype: 'float32' }])),
    );
    expect(found).toEqual([true, false, false, false, true]);
  });
});
