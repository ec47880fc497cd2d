/** Sums over ranks in the middle of a graph, on a device that does not make them itself: the graph is cut there. */

import {
  allReduce,
  compile,
  device,
  gradients,
  type HostArray,
  HostCommunicator,
  hostTensor,
  sum,
  type TensorRecord,
  Variable,
} from '@omma/core';
import { expect, it } from 'vitest';

const reference = device('reference');

/** Of two ranks, of which the other one always has ten times this one's numbers; notes how many numbers are summed. */
function withAnother(sizes: number[] = []): HostCommunicator {
  const none = () => Promise.reject(new Error('nothing but sums is expected'));
  return new HostCommunicator(reference, {
    name: 'test',
    rank: 0,
    size: 2,
    allReduce: async (data: HostArray) => {
      sizes.push(data.length);
      return Float32Array.from(data, (value) => 11 * value);
    },
    broadcast: none,
    allGather: none,
    reduceScatter: none,
    barrier: none,
    failure: none,
    dispose: none,
  });
}

const x = hostTensor([2], 'float32', Float32Array.of(1, 2));

function named({ x: given }: TensorRecord) {
  if (given === undefined) throw new Error('x is missing');
  return given;
}

it('sums that need other sums, and what is used before and after them', async () => {
  const sizes: number[] = [];
  const summed = compile(
    (inputs) => {
      const own = named(inputs);
      const first = allReduce(own.mul(2), 2);
      const second = allReduce(first.add(own), 2);
      const twice = allReduce(allReduce(own, 2), 2);
      return { own, first, second, twice, last: second.add(first).add(own).add(1) };
    },
    { device: reference, collectives: withAnother(sizes) },
  );
  const outputs = await summed({ x });
  const numbers = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, [...data]]));
  expect(numbers).toEqual({
    own: [1, 2],
    first: [22, 44],
    second: [253, 506],
    twice: [121, 242],
    last: [277, 553],
  });
  expect(sizes).toEqual([2, 2, 2, 2]);
  summed.dispose();
});

it('gradients through a sum', async () => {
  const slope = compile(
    (inputs) => {
      const own = named(inputs);
      const [gradient] = gradients(sum(allReduce(own.mul(own), 2)), [own]);
      if (gradient === undefined) throw new Error('no gradient');
      return { gradient };
    },
    { device: reference, collectives: withAnother() },
  );
  // d/dx of x², 2x, times the sum over both ranks of the gradients of the sum: 1 and 10.
  expect([...((await slope({ x })).gradient?.data ?? [])]).toEqual([22, 44]);
  slope.dispose();
});

it('state is written once, when nobody reads the old value any more', async () => {
  const [early, late, copy] = ['early', 'late', 'copy'].map(
    (name) => new Variable(name, x, Float32Array.of(1, 1)),
  );
  if (early === undefined || late === undefined || copy === undefined) throw new Error('no variables');
  const step = compile(
    (inputs) => {
      const before = late.read();
      const total = allReduce(named(inputs).add(before), 2);
      copy.write(before);
      late.write(before.add(total));
      const old = early.read();
      early.write(old.mul(2));
      return { total: total.add(old).add(before) };
    },
    { device: reference, collectives: withAnother() },
  );
  const totals = [];
  for (let run = 0; run < 2; run++) totals.push([...((await step({ x })).total?.data ?? [])]);
  const kept = await Promise.all([early, late, copy].map(async (one) => [...(await one.download()).data]));
  // late: 1, then 1 + 11 (x + 1), then as much again of that.
  expect(kept).toEqual([
    [4, 4],
    [287, 430],
    [23, 34],
  ]);
  expect(totals).toEqual([
    [24, 35],
    [289, 432],
  ]);
  step.dispose();
});

it('what lies between the parts is given back, and a graph without sums is not cut', async () => {
  const before = reference.memory().live;
  const sizes: number[] = [];
  for (const body of [
    (own: ReturnType<typeof named>) => allReduce(own, 2).add(own),
    (own: ReturnType<typeof named>) => own.mul(3),
  ]) {
    const one = compile((inputs) => ({ y: body(named(inputs)) }), {
      device: reference,
      collectives: withAnother(sizes),
    });
    await one({ x });
    one.dispose();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(sizes).toEqual([2]);
  expect(reference.memory().live).toBe(before);
});
