/** Elementwise, reducing and moving kernels, and batch norm, against the reference device. */
import { type DType, opNamed } from '@omma/core';
import { afterAll, describe, expect, it } from 'vitest';
import { programOps } from '../src/fuse/program.ts';
import { createCpuDevice } from '../src/index.ts';
import { type Case, expectAgreement, inEachFloat, titleOf } from './agreement.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());

const samplesOf = (op: string): Case[] =>
  opNamed(op).samples.map(
    ({ inputs, attrs, note }): Case => ({ op, inputs, attrs, ...(note === undefined ? {} : { note }) }),
  );

/** Long enough for several tiles and threads, with a rest. */
const long = [3, 7001];
const positive = { low: 0.01, high: 20 };
const ranges: Record<string, { low: number; high: number }> = {
  ...{
    log: positive,
    sqrt: positive,
    rsqrt: positive,
    reciprocal: positive,
    log1p: positive,
    pow: { low: 0.1, high: 3 },
  },
  ...{ div: { low: 0.5, high: 2 }, powScalar: positive },
};
const unary = [
  'neg',
  'abs',
  'sign',
  'exp',
  'log',
  'log1p',
  'sqrt',
  'rsqrt',
  'reciprocal',
  'square',
  'sin',
  'cos',
  'atan',
];
const activations = [
  'tanh',
  'erf',
  'sigmoid',
  'relu',
  'relu6',
  'silu',
  'mish',
  'hardSwish',
  'hardSigmoid',
  'softplus',
];
const binary = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'pow', 'reluGrad', 'less', 'greaterEqual'];
const wide = { low: -8, high: 8 };

const cases: readonly Case[] = [
  ...[...programOps].flatMap(samplesOf),
  ...[...unary, ...activations].flatMap((op) =>
    inEachFloat({ op, inputs: [{ shape: long, ...(ranges[op] ?? wide) }], attrs: {}, terms: 4 }),
  ),
  ...binary.flatMap((op) => {
    const range = ranges[op] ?? wide;
    const pair = (a: readonly number[], b: readonly number[]): Case => ({
      op,
      inputs: [
        { shape: a, ...range },
        { shape: b, ...range },
      ],
      attrs: {},
      terms: 4,
    });
    return [
      ...inEachFloat(pair(long, long)),
      pair([2, 16, 33, 9], [16, 1, 1]),
      pair([16, 1, 1], [2, 16, 33, 9]),
      pair([2, 16, 33, 9], [2, 1, 33, 9]),
      pair([2, 16, 33, 9], []),
      pair([5, 1, 3], [4, 1]),
      pair([0, 4], [4]),
    ];
  }),
  ...(['int32', 'uint8', 'uint32'] satisfies DType[]).flatMap((dtype) =>
    ['add', 'sub', 'mul', 'maximum', 'equal', 'less'].map(
      (op): Case => ({
        op,
        inputs: [
          { shape: [40, 70], dtype, low: 0, high: 200 },
          { shape: [70], dtype, low: 0, high: 200 },
        ],
        attrs: {},
      }),
    ),
  ),
  ...['sum', 'mean', 'max', 'min', 'prod', 'argMax', 'argMin', 'cumSum', 'softmax', 'logSoftmax'].flatMap(
    samplesOf,
  ),
  ...[
    'transpose',
    'expand',
    'slice',
    'sliceGrad',
    'pad',
    'concat',
    'flip',
    'tile',
    'constant',
    'full',
    'iota',
  ].flatMap(samplesOf),
  ...[[0], [1], [0, 2, 3], [2, 3], [1, 3], [0, 1, 2, 3]].flatMap((axes) =>
    inEachFloat({
      op: 'sum',
      inputs: [{ shape: [5, 16, 19, 21] }],
      attrs: { axes, keepDims: false },
      terms: 2048,
    }),
  ),
  {
    op: 'sum',
    inputs: [{ shape: [100, 999], dtype: 'int32', low: 0, high: 50 }],
    attrs: { axes: [0], keepDims: true },
  },
  { op: 'softmax', inputs: [{ shape: [40, 1000], ...wide }], attrs: { axis: 1 }, gradients: [0], terms: 64 },
  {
    op: 'logSoftmax',
    inputs: [{ shape: [7, 30, 11], ...wide }],
    attrs: { axis: 1 },
    gradients: [0],
    terms: 64,
  },
  { op: 'transpose', inputs: [{ shape: [9, 70, 33] }], attrs: { permutation: [2, 0, 1] } },
  { op: 'transpose', inputs: [{ shape: [9, 70, 33], dtype: 'bfloat16' }], attrs: { permutation: [0, 2, 1] } },
  ...samplesOf('batchNormTrain'),
  ...samplesOf('batchNormTrainGrad'),
  ...inEachFloat({
    op: 'batchNormTrain',
    inputs: [
      { shape: [4, 24, 17, 15] },
      { shape: [24], dtype: 'float32' },
      { shape: [24], dtype: 'float32' },
    ],
    attrs: { eps: 1e-5 },
    terms: 64,
  }).map((one) => ({
    ...one,
    inputs: one.inputs.map((input, i) => (i === 0 ? input : { ...input, dtype: 'float32' as const })),
  })),
];

describe('kernels that stream over memory', () => {
  it.each(cases.map((one) => [titleOf(one), one] as const))('%s', async (_, one) => {
    await expectAgreement(cpu, one);
  });

  it('every op of programs is elementwise in the table', () => {
    expect([...programOps].filter((op) => opNamed(op).kind !== 'elementwise')).toEqual([]);
  });
});
