/** Kernels whose places come from data, against the reference device. */
import { compile, gather, hostTensor, indexAdd, indexSelect, opNamed } from '@omma/core';
import { afterAll, describe, expect, it } from 'vitest';
import { createCpuDevice } from '../src/index.ts';
import { type Case, expectAgreement, inEachFloat, titleOf } from './agreement.ts';
import { random } from './random.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());

const index = (shape: readonly number[], high: number) => ({ shape, dtype: 'int32', low: 0, high }) as const;

const cases: readonly Case[] = [
  ...['gather', 'scatterAdd', 'indexSelect', 'indexAdd', 'topK', 'sort'].flatMap((op) =>
    opNamed(op).samples.map(
      ({ inputs, attrs, note }): Case => ({ op, inputs, attrs, ...(note === undefined ? {} : { note }) }),
    ),
  ),
  ...inEachFloat({
    op: 'gather',
    inputs: [{ shape: [3, 50, 7] }, index([3, 20, 7], 50)],
    attrs: { axis: 1 },
    gradients: [0],
  }),
  {
    op: 'gather',
    inputs: [{ shape: [4, 5, 6] }, index([2, 9, 3], 5)],
    attrs: { axis: 1 },
    gradients: [0],
    note: 'a part of the other axes',
  },
  {
    op: 'gather',
    inputs: [{ shape: [9, 1000], dtype: 'uint8', low: 0, high: 256 }, index([9, 1], 1000)],
    attrs: { axis: 1 },
  },
  { op: 'gather', inputs: [{ shape: [3, 4] }, index([3, 0], 4)], attrs: { axis: 1 }, note: 'nothing' },
  ...inEachFloat({
    op: 'scatterAdd',
    inputs: [{ shape: [5, 40] }, index([5, 300], 40), { shape: [5, 300] }],
    attrs: { axis: 1 },
    gradients: [0, 2],
    terms: 40,
  }),
  {
    op: 'scatterAdd',
    inputs: [{ shape: [64, 300] }, index([500, 300], 64), { shape: [500, 300] }],
    attrs: { axis: 0 },
    terms: 40,
  },
  {
    op: 'scatterAdd',
    inputs: [
      { shape: [8], dtype: 'int32' },
      index([50], 8),
      { shape: [50], dtype: 'int32', low: -90, high: 90 },
    ],
    attrs: { axis: 0 },
  },
  ...inEachFloat({
    op: 'indexSelect',
    inputs: [{ shape: [40, 33] }, index([64], 40)],
    attrs: { axis: 0 },
    gradients: [0],
  }),
  { op: 'indexSelect', inputs: [{ shape: [6, 40] }, index([70], 40)], attrs: { axis: 1 }, gradients: [0] },
  ...inEachFloat({
    op: 'indexAdd',
    inputs: [{ shape: [40, 33] }, index([200], 40), { shape: [200, 33] }],
    attrs: { axis: 0 },
    gradients: [0, 2],
  }),
  {
    op: 'indexAdd',
    inputs: [{ shape: [50, 400] }, index([300], 50), { shape: [300, 400] }],
    attrs: { axis: 0 },
    gradients: [0, 2],
    note: 'shared among threads',
  },
  {
    op: 'gather',
    inputs: [{ shape: [40, 60, 20] }, index([40, 50, 20], 60)],
    attrs: { axis: 1 },
    gradients: [0],
    note: 'shared among threads',
  },
  {
    op: 'sort',
    inputs: [{ shape: [60, 500] }],
    attrs: { axis: 1, descending: false },
    gradients: [0],
    note: 'shared among threads',
  },
  { op: 'oneHot', inputs: [{ shape: [7, 3], dtype: 'int32', low: -1, high: 6 }], attrs: { depth: 5 } },
  ...inEachFloat({ op: 'sort', inputs: [{ shape: [4, 100] }], attrs: { axis: 1, descending: true } }),
  {
    op: 'sort',
    inputs: [{ shape: [3000] }],
    attrs: { axis: 0, descending: false },
    gradients: [0],
    note: 'long',
  },
  {
    op: 'sort',
    inputs: [{ shape: [2, 900], dtype: 'int32', low: -5, high: 5 }],
    attrs: { axis: 1, descending: true },
    note: 'many ties',
  },
  {
    op: 'sort',
    inputs: [{ shape: [60, 3], dtype: 'uint8', low: 0, high: 256 }],
    attrs: { axis: 0, descending: false },
  },
  {
    op: 'sort',
    inputs: [
      {
        shape: [8],
        values: [0, Number.NaN, -0, 3, Number.POSITIVE_INFINITY, -7, Number.NEGATIVE_INFINITY, 0],
      },
    ],
    attrs: { axis: 0, descending: true },
    note: 'zeros, infinities, NaN',
  },
  ...inEachFloat({
    op: 'topK',
    inputs: [{ shape: [3, 500] }],
    attrs: { axis: 1, k: 17, largest: true },
    gradients: [0],
  }),
  {
    op: 'topK',
    inputs: [{ shape: [40, 6] }],
    attrs: { axis: 0, k: 40, largest: false },
    note: 'all of them',
  },
];

describe('index kernels', () => {
  it.each(cases.map((one) => [titleOf(one), one] as const))('%s', async (_, one) => {
    await expectAgreement(cpu, one);
  });

  it.each([-1, 5])('refuses index %i of an axis of 5', async (wrong) => {
    const x = random([5, 3], 1);
    const at = hostTensor([2], 'int32', Int32Array.of(0, wrong));
    const each = hostTensor([2, 3], 'int32', new Int32Array(6).fill(wrong));
    const message = new RegExp(`index ${wrong} lies outside of \\[0, 5\\)`);
    const select = compile(({ x, at }) => (x && at ? { y: indexSelect(x, at, 0) } : {}), { device: cpu });
    await expect(select({ x, at })).rejects.toThrow(message);
    const addTo = compile(({ x, at, u }) => (x && at && u ? { y: indexAdd(x, at, u, 0) } : {}), {
      device: cpu,
    });
    await expect(addTo({ x, at, u: random([2, 3], 2) })).rejects.toThrow(message);
    const gathered = compile(({ x, each }) => (x && each ? { y: gather(x, each, 0) } : {}), { device: cpu });
    await expect(gathered({ x, each })).rejects.toThrow(message);
  });
});
