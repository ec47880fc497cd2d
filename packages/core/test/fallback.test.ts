/** `onUnsupported: 'reference'`: a device that lacks an op borrows the reference device for it. */

import {
  compile,
  type Device,
  device,
  evaluate,
  first,
  hostTensor,
  onWarning,
  type Tensor,
  tensor,
  Variable,
} from '@omma/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { referenceUnder } from './support/referenceUnder.ts';

/** The reference device without the ops named in `lacks`. */
function lacking(name: string, ...lacks: readonly string[]): Device {
  const reference = device('reference');
  return referenceUnder(name, {
    supports: (node, graph) =>
      lacks.includes(node.op) ? 'not written yet' : reference.supports(node, graph),
    compile: (graph, options) => {
      for (const node of graph.nodes)
        if (lacks.includes(node.op)) throw new Error(`${name} was given ${node.op}`);
      return reference.compile(graph, options);
    },
  });
}

const warnings: string[] = [];
let previous: (message: string) => void;
beforeEach(() => {
  warnings.length = 0;
  previous = onWarning((message) => warnings.push(message));
});
afterEach(() => {
  onWarning(previous);
});

const input = { x: hostTensor([3], 'float32', Float32Array.of(1, 2, 3)) };
const only = (named: Readonly<Record<string, Tensor>>) => first(Object.values(named));

describe('the reference device', () => {
  it('steps in for an op that cannot be lowered, with one warning per op', async () => {
    const on = lacking('weak', 'exp', 'erf');
    const run = compile((named) => ({ y: only(named).mul(2).exp().add(1).exp().log().erf() }), {
      device: on,
      onUnsupported: 'reference',
    });
    const { y } = await run(input);
    const expected = compile((named) => ({ y: only(named).mul(2).exp().add(1).exp().log().erf() }), {
      device: 'reference',
    });
    expect(y?.data).toEqual((await expected(input)).y?.data);
    await run(input);
    expect(warnings.map((warning) => warning.split(' (')[0])).toEqual([
      'device weak cannot run exp',
      'device weak cannot run erf',
    ]);
  });

  it('is not asked without permission', async () => {
    const run = compile((named) => ({ y: only(named).exp() }), { device: lacking('proud', 'exp') });
    await expect(run(input)).rejects.toThrow(/device proud cannot run exp.*no lowering/);
  });

  it('is not needed for what can be lowered', async () => {
    const run = compile((named) => ({ y: only(named).relu() }), {
      device: lacking('simple', 'relu'),
      onUnsupported: 'reference',
    });
    await run(input);
    expect(warnings).toEqual([]);
  });

  it('sees state at the start of the step, and what it makes is kept at the end', async () => {
    const weight = new Variable('weight', { shape: [3], dtype: 'float32' }, Float32Array.of(0, 0, 0));
    const run = compile(
      (named) => {
        const before = weight.read();
        weight.write(before.add(1));
        const late = before.exp().add(only(named));
        const other = weight.read().exp();
        weight.write(weight.read().add(other.mul(0)));
        return { late, before, same: only(named) };
      },
      { device: lacking('forgetful', 'exp'), onUnsupported: 'reference' },
    );
    const [one, two] = await Promise.all([run(input), run(input)]);
    expect(one.before?.data).toEqual(Float32Array.of(0, 0, 0));
    expect(one.late?.data).toEqual(Float32Array.of(2, 3, 4));
    expect(one.same?.data).toEqual(input.x.data);
    expect(two.before?.data).toEqual(Float32Array.of(1, 1, 1));
    expect(two.late?.data[0]).toBeCloseTo(Math.E + 1, 5);
    expect((await weight.download()).data).toEqual(Float32Array.of(2, 2, 2));
  });

  it('steps in outside of trace, too', async () => {
    const [y] = await evaluate([tensor([0, 1]).exp()], lacking('eager', 'exp'));
    expect(y?.data[0]).toBe(1);
  });
});
