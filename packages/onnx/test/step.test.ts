/** Training steps as ONNX models: state goes in and comes out, random numbers come from the host. */

import {
  add,
  advance,
  dropout,
  type Graph,
  gradients,
  hostFrom,
  matmul,
  mean,
  mul,
  scope,
  square,
  sub,
  trace,
  Variable,
  where,
} from '@omma/core';
import { describe, expect, it } from 'vitest';
import { buildStep, plainDialect } from '../src/index.ts';
import { runModel, runReference } from './run.ts';

const variables = () => ({
  weight: new Variable(
    'layer.weight',
    { shape: [3, 2], dtype: 'float32' },
    Float32Array.of(1, 2, 3, 4, 5, 6),
  ),
  key: new Variable('random', { shape: [2], dtype: 'uint32' }, Uint32Array.of(7, 0)),
});

type Variables = ReturnType<typeof variables>;

function trainingStep({ weight, key }: Variables): Graph {
  return trace(
    ({ x, lr }) => {
      if (x === undefined || lr === undefined) throw new Error('inputs');
      const dropped = dropout(x, { p: 0.5, key: key.read(), salt: 3 });
      const y = scope('layer', () => matmul(dropped, weight.read()));
      const loss = mean(square(y));
      const [gradient = loss] = gradients(loss, [weight.read()]);
      weight.write(sub(weight.read(), mul(gradient, lr)));
      advance(key);
      return { loss };
    },
    { x: { shape: [4, 3], dtype: 'float32' }, lr: { shape: [], dtype: 'float32' } },
  );
}

const initial = async (all: Variables) =>
  new Map(await Promise.all(Object.values(all).map(async (v) => [v.name, await v.download()] as const)));

const inputs = {
  x: hostFrom(
    Array.from({ length: 12 }, (_, i) => Math.sin(i)),
    [4, 3],
    'float32',
  ),
  lr: hostFrom([0.1], [], 'float32'),
};

describe.each([17, 13] as const)('a training step, opset %i', (opset) => {
  it('does the same as on the reference device, step after step', async () => {
    const graph = trainingStep(variables());
    const model = buildStep(graph, plainDialect(opset));
    const [state, expected] = [await initial(variables()), await initial(variables())];
    for (let step = 0; step < 3; step++) {
      const { loss } = await runModel(model, state, inputs);
      const reference = await runReference(graph, expected, inputs);
      expect(loss?.data[0]).toBeCloseTo(reference.loss?.data[0] ?? 0, 5);
    }
    expect(state.get('random')?.data).toEqual(Uint32Array.of(7, 3));
    const [weights, wanted] = [state.get('layer.weight')?.data, expected.get('layer.weight')?.data];
    expect(weights?.length).toBe(6);
    for (const [i, value] of [...(weights ?? [])].entries()) expect(value).toBeCloseTo(wanted?.[i] ?? 0, 5);
  });
});

describe('a step model', () => {
  it('has state as inputs and outputs, draws random numbers on the host, and knows where its nodes come from', () => {
    const model = buildStep(trainingStep(variables()), plainDialect());
    expect(model.inputs.map(({ port }) => port)).toEqual(['x', 'lr']);
    expect(model.outputs.map(({ port }) => port)).toEqual(['loss']);
    expect(model.state).toEqual([
      {
        slot: 'layer.weight',
        input: { name: 'layer.weight', type: { shape: [3, 2], dtype: 'float32' }, element: 'float32' },
        output: { name: 'layer.weight.next', type: { shape: [3, 2], dtype: 'float32' }, element: 'float32' },
      },
    ]);
    expect(model.host?.graph.state.map(({ name, write }) => [name, write !== null])).toEqual([
      ['random', true],
    ]);
    expect(model.host?.feeds.map(({ type }) => type)).toEqual([{ shape: [4, 3], dtype: 'float32' }]);
    expect([...model.origin.values()]).toContainEqual({ op: 'matmul', scope: 'layer' });
  });

  it('has no host part without random numbers, and leaves out what nothing reads', () => {
    const graph = trace(({ x }) => (x === undefined ? {} : { y: add(x, 1) }), {
      x: { shape: [2], dtype: 'float32' },
      unused: { shape: [9], dtype: 'float32' },
    });
    const model = buildStep(graph, plainDialect());
    expect(model.host).toBeNull();
    expect(model.inputs.map(({ port }) => port)).toEqual(['x']);
  });

  it('refuses a random key that the device would have to make', () => {
    const { key } = variables();
    const graph = trace(
      ({ x }) => {
        if (x === undefined) throw new Error('x');
        const y = dropout(x, { p: 0.5, key: key.read(), salt: 1 });
        key.write(where(mean(y).greater(0), add(key.read(), key.read()), key.read()));
        return { y };
      },
      { x: { shape: [4], dtype: 'float32' } },
    );
    expect(() => buildStep(graph, plainDialect())).toThrow(
      /state random is read by random operations.* but is written by where/,
    );
  });
});
