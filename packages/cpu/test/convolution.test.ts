/** Convolutions, matrix products and poolings through oneDNN, forward and backward, against the reference device. */
import { afterAll, describe, it } from 'vitest';
import { createCpuDevice } from '../src/index.ts';
import { type Case, expectAgreement, titleOf } from './agreement.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());

const conv = (x: number[], w: number[], attrs: object = {}, rest: Partial<Case> = {}): Case => ({
  op: 'conv2d',
  inputs: [{ shape: x }, { shape: w }],
  attrs: { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1, ...attrs },
  gradients: [0, 1],
  terms: 512,
  ...rest,
});
const pool = (op: string, x: number[], attrs: object): Case => ({
  op,
  inputs: [{ shape: x }],
  attrs: { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], ceilMode: false, ...attrs },
  gradients: [0],
});

const cases: readonly Case[] = [
  conv([2, 16, 9, 9], [32, 16, 3, 3], { stride: [2, 2], padding: [1, 1, 1, 1] }),
  conv([2, 16, 9, 9], [32, 16, 1, 1], { stride: [2, 2] }, { note: '1x1, stride leaves a row over' }),
  conv([2, 3, 17, 17], [64, 3, 7, 7], { stride: [2, 2], padding: [3, 3, 3, 3] }, { note: 'three channels' }),
  conv([1, 8, 8, 7], [8, 8, 3, 3], { padding: [0, 2, 1, 0] }, { note: 'asymmetric padding' }),
  conv([1, 8, 12, 12], [8, 8, 3, 3], { dilation: [2, 3], padding: [2, 3, 2, 3] }, { note: 'dilated' }),
  conv([2, 16, 7, 7], [32, 4, 3, 3], { groups: 4, padding: [1, 1, 1, 1] }, { note: 'groups of 4' }),
  conv([2, 24, 7, 7], [24, 1, 3, 3], { groups: 24, padding: [1, 1, 1, 1] }, { note: 'depthwise' }),
  conv([2, 5, 6, 6], [7, 5, 3, 3], {}, { note: 'odd channels' }),
  conv(
    [1, 4, 6, 6],
    [8, 4, 3, 3],
    {},
    {
      inputs: [{ shape: [1, 4, 6, 6] }, { shape: [8, 4, 3, 3] }, { shape: [8] }],
      gradients: [0, 1, 2],
      note: 'bias',
    },
  ),
  conv(
    [2, 16, 6, 6],
    [16, 16, 3, 3],
    {},
    {
      inputs: [
        { shape: [2, 16, 6, 6], dtype: 'bfloat16' },
        { shape: [16, 16, 3, 3], dtype: 'bfloat16' },
      ],
      note: 'bfloat16',
    },
  ),
  pool('maxPool2d', [2, 16, 11, 11], { dilation: [1, 1] }),
  pool('maxPool2d', [2, 6, 11, 11], {
    dilation: [1, 1],
    ceilMode: true,
    padding: [0, 0, 0, 0],
    kernel: [2, 2],
  }),
  pool('avgPool2d', [2, 16, 11, 11], { countIncludePad: true }),
  pool('avgPool2d', [2, 16, 11, 11], { countIncludePad: false }),
  pool('avgPool2d', [2, 5, 12, 12], { countIncludePad: true, ceilMode: true }),
  {
    op: 'matmul',
    inputs: [{ shape: [2, 1, 5, 7] }, { shape: [3, 9, 7] }],
    attrs: { transposeA: false, transposeB: true },
    gradients: [0, 1],
    terms: 32,
  },
  {
    op: 'matmul',
    inputs: [{ shape: [7, 5] }, { shape: [7, 9] }],
    attrs: { transposeA: true, transposeB: false },
    gradients: [0, 1],
    terms: 32,
  },
  {
    op: 'linear',
    inputs: [{ shape: [2, 3, 8] }, { shape: [5, 8] }, { shape: [5] }],
    attrs: {},
    gradients: [0, 1, 2],
    terms: 32,
  },
  {
    op: 'linear',
    inputs: [{ shape: [3, 8], dtype: 'bfloat16' }, { shape: [5, 8], dtype: 'bfloat16' }, { shape: [5] }],
    attrs: {},
    terms: 32,
  },
];

describe('oneDNN agrees with the reference', () => {
  for (const one of cases) it(titleOf(one), () => expectAgreement(cpu, one));
});
