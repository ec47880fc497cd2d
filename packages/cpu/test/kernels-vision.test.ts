/** Regions, deformable windows, grids and suppression against the reference device. */
import '@omma/cv';
import { type Attributes, conv2d, opNamed, type Tensor, tensor } from '@omma/core';
import { afterAll, describe, it } from 'vitest';
import { createCpuDevice } from '../src/index.ts';
import { type Case, expectAgreement, inEachFloat, titleOf } from './agreement.ts';
import { random } from './random.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());

const names = [
  'roiAlign',
  'roiAlignGrad',
  'roiPool',
  'roiPoolGrad',
  'deformUnfold',
  'deformUnfoldGrad',
  'gridSample',
  'gridSampleGrad',
  'nms',
];
const samples = names.flatMap((op) =>
  opNamed(op).samples.map(
    ({ inputs, attrs, note }): Case => ({
      op,
      inputs,
      attrs,
      ...(note === undefined ? {} : { note }),
      terms: 64,
    }),
  ),
);

/** Regions (image, x1, y1, x2, y2) of two images, some reaching outside, one of no size, the last of an image that is not there. */
const rois = {
  shape: [7, 5],
  values: [
    [0, 0.75, 1.25, 8.5, 7.875],
    [1, 2.25, 0.5, 9.5, 6.125],
    [0, 3.125, 3.25, 3.875, 4],
    [1, -2.25, -1.125, 5.25, 11.75],
    [0, -30, -20, 40, 50],
    [1, 5, 5, 5, 5],
    [2, 1, 1, 4, 4],
  ].flat(),
};

const manyRois = {
  shape: [60, 5],
  values: Array.from(random([60, 5], 21).data, (value, i) =>
    i % 5 === 0 ? i % 3 : Math.fround(15 * (value + 1)),
  ),
};

/** The image comes out of a convolution, in whatever layout the processor likes. */
const convolvedImage = ([image, ...rest]: readonly Tensor[]) => {
  if (image === undefined) throw new Error('no image');
  const weights = tensor(random([16, 16, 1, 1], 5).data, [16, 16, 1, 1]);
  return [conv2d(image, weights, null), ...rest];
};

const ofRegions = (op: string, channels: number, attrs: Attributes): Case => ({
  op,
  inputs: [{ shape: [2, channels, 9, 10] }, rois],
  attrs,
  gradients: [0],
  terms: 128,
});

const aligned = { output: [3, 4], scale: 0.5, sampling: 2, aligned: true };
const regions = [
  ...inEachFloat(ofRegions('roiAlign', 3, aligned)),
  ofRegions('roiAlign', 5, { output: [7, 7], scale: 1, sampling: 0, aligned: false }),
  ofRegions('roiAlign', 5, { output: [1, 1], scale: 1, sampling: 3, aligned: true }),
  { ...ofRegions('roiAlign', 16, aligned), prepare: convolvedImage, note: 'after a convolution' },
  {
    ...ofRegions('roiAlign', 16, { ...aligned, output: [1, 1] }),
    prepare: convolvedImage,
    note: 'after a convolution',
  },
  ...inEachFloat(ofRegions('roiPool', 3, { output: [3, 2], scale: 0.5 })),
  {
    ...ofRegions('roiAlign', 40, { ...aligned, scale: 1 }),
    inputs: [{ shape: [3, 40, 30, 30] }, manyRois],
    note: 'shared among threads',
  },
  ofRegions('roiPool', 4, { output: [5, 6], scale: 1 }),
];

const grid = { shape: [2, 6, 5, 2], low: -1.5, high: 1.5 };
const grids = (['bilinear', 'nearest', 'bicubic'] as const).flatMap((mode) =>
  (['zeros', 'border', 'reflection'] as const).flatMap((paddingMode) =>
    [true, false].map((alignCorners): Case => {
      const attrs = { mode, paddingMode, alignCorners };
      return {
        op: 'gridSample',
        inputs: [{ shape: [2, 3, 7, 8] }, grid],
        attrs,
        gradients: [0, 1],
        terms: 256,
      };
    }),
  ),
);
const wide = { shape: [2, 40, 50, 2], low: -1.2, high: 1.2 };
const zeros = { mode: 'bilinear', paddingMode: 'zeros', alignCorners: false };
const moreGrids: readonly Case[] = [
  ...inEachFloat({
    op: 'gridSample',
    inputs: [{ shape: [2, 3, 7, 8] }, grid],
    attrs: zeros,
    gradients: [0],
    terms: 256,
  }),
  {
    op: 'gridSample',
    inputs: [{ shape: [2, 16, 7, 8] }, grid],
    attrs: zeros,
    gradients: [0, 1],
    terms: 1024,
    prepare: convolvedImage,
    note: 'after a convolution',
  },
  {
    op: 'gridSample',
    inputs: [{ shape: [2, 12, 30, 30] }, wide],
    attrs: zeros,
    gradients: [0, 1],
    terms: 4096,
    note: 'shared among threads',
  },
  {
    op: 'gridSample',
    inputs: [{ shape: [1, 2, 4, 4] }, { shape: [1, 1, 3, 2], values: [1e30, 0, Number.NaN, 0, 0, -5] }],
    attrs: zeros,
    note: 'nowhere',
  },
];

const window = { kernel: [3, 3], stride: [1, 2], padding: [1, 1, 1, 1], dilation: [1, 1], offsetGroups: 2 };
const offset = { shape: [2, 36, 7, 4], low: -2.5, high: 2.5 };
const mask = { shape: [2, 18, 7, 4], low: 0, high: 1 };
const deformed: readonly Case[] = [
  {
    op: 'deformUnfold',
    inputs: [{ shape: [2, 4, 7, 8] }, offset],
    attrs: window,
    gradients: [0, 1],
    terms: 256,
  },
  {
    op: 'deformUnfold',
    inputs: [{ shape: [2, 4, 7, 8] }, offset, mask],
    attrs: window,
    gradients: [0, 1, 2],
    terms: 256,
  },
  {
    op: 'deformUnfold',
    inputs: [
      { shape: [2, 8, 24, 30] },
      { shape: [2, 36, 24, 15], low: -2.5, high: 2.5 },
      { shape: [2, 18, 24, 15], low: 0, high: 1 },
    ],
    attrs: window,
    gradients: [0, 1, 2],
    terms: 512,
    note: 'shared among threads',
  },
  ...inEachFloat({
    op: 'deformUnfold',
    inputs: [{ shape: [2, 4, 7, 8] }, offset, mask],
    attrs: window,
    terms: 64,
  }),
];

const boxes = (count: number, maxOutputs: number, iouThreshold: number): Case => {
  const corners = random([count, 4], 11).data;
  const values = Array.from(corners, (_, i) => {
    const [corner, side] = [corners[i % 4 < 2 ? i : i - 2] ?? 0, corners[i] ?? 0];
    return Math.fround(40 * (corner + 1) + (i % 4 < 2 ? 0 : 4 + 14 * (side + 1)));
  });
  return {
    op: 'nms',
    inputs: [
      { shape: [count, 4], values },
      { shape: [count], low: 0 },
    ],
    attrs: { iouThreshold, maxOutputs },
    note: `${count} boxes`,
  };
};
const suppressions = [
  boxes(500, 500, 0.5),
  boxes(500, 20, 0.1),
  boxes(300, 300, 1),
  boxes(300, 300, 0),
  boxes(1, 3, 0.5),
];

describe('vision kernels', () => {
  it.each(
    [...samples, ...regions, ...grids, ...moreGrids, ...deformed, ...suppressions].map(
      (one) => [titleOf(one), one] as const,
    ),
  )('%s', async (_, one) => {
    await expectAgreement(cpu, one);
  });
});
