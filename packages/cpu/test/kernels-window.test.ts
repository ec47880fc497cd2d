/** Pooling, resizing, unfold and fold against the reference device, from images in plain and in blocked layouts. */
import { type Attributes, conv2d, opNamed, type Tensor, tensor } from '@omma/core';
import { afterAll, describe, it } from 'vitest';
import { createCpuDevice } from '../src/index.ts';
import { type Case, expectAgreement, inEachFloat, titleOf } from './agreement.ts';
import { random } from './random.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());

const samples = [
  'maxPool2d',
  'maxPool2dGrad',
  'avgPool2d',
  'avgPool2dGrad',
  'resize',
  'resizeGrad',
  'unfold',
  'fold',
].flatMap((op) =>
  opNamed(op).samples.map(
    ({ inputs, attrs, note }): Case => ({ op, inputs, attrs, ...(note === undefined ? {} : { note }) }),
  ),
);

/** A convolution in front, whose result comes in whatever layout the processor likes. */
const convolved = (channels: number, area: number) => (inputs: readonly Tensor[]) => {
  const weights = tensor(random([channels, channels, 1, 1], area).data, [channels, channels, 1, 1]);
  return inputs.map((x) => conv2d(x, weights, null));
};

function pool(op: string, shape: readonly number[], attrs: Attributes): Case {
  return { op, inputs: [{ shape }], attrs, gradients: [0], terms: 64 };
}

const pads = (n: number) => [n, n, n, n];
const average = { kernel: [3, 3], stride: [2, 2], padding: pads(1), ceilMode: true, countIncludePad: true };
const pools = [
  ...inEachFloat(pool('avgPool2d', [2, 5, 8, 11], average)),
  pool('avgPool2d', [1, 3, 7, 9], {
    kernel: [3, 2],
    stride: [3, 2],
    padding: [1, 0, 0, 1],
    ceilMode: true,
    countIncludePad: true,
  }),
  pool('avgPool2d', [1, 3, 7, 9], {
    kernel: [2, 3],
    stride: [2, 1],
    padding: pads(1),
    ceilMode: false,
    countIncludePad: false,
  }),
  { ...pool('avgPool2d', [2, 16, 8, 11], average), prepare: convolved(16, 1), note: 'after a convolution' },
  {
    ...pool('maxPool2d', [2, 16, 9, 9], {
      kernel: [3, 3],
      stride: [2, 2],
      padding: pads(1),
      dilation: [1, 1],
      ceilMode: false,
    }),
    prepare: convolved(16, 1),
    note: 'after a convolution',
  },
];

function resized(
  shape: readonly number[],
  size: readonly number[],
  mode: string,
  alignCorners: boolean,
): Case {
  return {
    op: 'resize',
    inputs: [{ shape }],
    attrs: { size, mode, alignCorners },
    gradients: [0],
    terms: 32,
  };
}

const resizes = [
  ...['bilinear', 'bicubic'].flatMap((mode) =>
    [true, false].flatMap((align) => [
      resized([2, 3, 9, 7], [4, 15], mode, align),
      resized([1, 2, 5, 6], [1, 1], mode, align),
    ]),
  ),
  resized([1, 3, 7, 5], [14, 10], 'nearest', false),
  resized([1, 3, 10, 9], [3, 4], 'nearest', false),
  resized([2, 16, 1, 1], [5, 4], 'bilinear', false),
  ...inEachFloat(resized([2, 8, 6, 5], [13, 9], 'bilinear', false)),
  ...(['nearest', 'bilinear', 'bicubic'] as const).map((mode) => ({
    ...resized([2, 16, 6, 5], [12, 9], mode, false),
    prepare: convolved(16, 2),
    note: 'after a convolution',
  })),
  {
    ...resized([2, 16, 6, 5], [1, 1], 'bilinear', false),
    prepare: convolved(16, 2),
    note: 'after a convolution',
  },
];

const large = [
  { ...pool('avgPool2d', [2, 24, 40, 40], average), note: 'shared among threads' },
  { ...resized([2, 12, 40, 40], [80, 60], 'bilinear', false), note: 'shared among threads' },
  { ...resized([2, 12, 40, 40], [80, 80], 'nearest', false), note: 'shared among threads' },
];

const windows = [
  { kernel: [3, 3], stride: [1, 1], padding: pads(1), dilation: [1, 1] },
  { kernel: [2, 3], stride: [2, 3], padding: [3, 0, 1, 2], dilation: [2, 1] },
  { kernel: [5, 1], stride: [1, 2], padding: [4, 4, 4, 4], dilation: [1, 3] },
].flatMap((attrs) =>
  inEachFloat({ op: 'unfold', inputs: [{ shape: [2, 3, 10, 12] }], attrs, gradients: [0], terms: 32 }),
);

describe('window kernels', () => {
  it.each(
    [...samples, ...pools, ...resizes, ...large, ...windows].map((one) => [titleOf(one), one] as const),
  )('%s', async (_, one) => {
    await expectAgreement(cpu, one);
  });
});
