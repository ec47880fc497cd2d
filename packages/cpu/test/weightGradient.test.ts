/**
 * Weight gradients of bfloat16 convolutions against the reference: every way in which pixels fall into pairs, rows into bands, channels into
 * tiles. Where the processor has AVX-512 BF16 and no AMX these run in the packed kernel (native/src/weight_gradient), elsewhere in oneDNN's, and a
 * skipped test says that the kernel was not looked at.
 */
import { afterAll, describe, it } from 'vitest';
import { loadBinding } from '../src/binding.ts';
import { createCpuDevice } from '../src/index.ts';
import { type Case, expectAgreement, titleOf } from './agreement.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());

interface Geometry {
  readonly note: string;
  readonly x: [number, number, number, number];
  /** Output channels, kernel height, kernel width. */
  readonly w: [number, number, number];
  readonly stride?: [number, number];
  readonly padding?: [number, number, number, number];
  readonly dilation?: [number, number];
}

const geometries: readonly Geometry[] = [
  { note: '1x1, more channels out', x: [3, 32, 6, 8], w: [96, 1, 1] },
  { note: '1x1, more channels in, a panel of one vector', x: [3, 48, 6, 8], w: [16, 1, 1] },
  { note: '1x1, an odd number of pixels', x: [5, 32, 7, 7], w: [64, 1, 1] },
  { note: '1x1, large and odd', x: [1, 16, 19, 21], w: [32, 1, 1] },
  { note: '1x1, an image in two bands', x: [2, 16, 128, 130], w: [16, 1, 1] },
  { note: '1x1 with padding', x: [2, 16, 5, 6], w: [16, 1, 1], padding: [1, 0, 0, 1] },
  { note: '1x1, stride leaves a row over', x: [2, 32, 10, 9], w: [48, 1, 1], stride: [2, 2] },
  { note: '3x3', x: [2, 32, 9, 8], w: [64, 3, 3], padding: [1, 1, 1, 1] },
  { note: '3x3, odd width', x: [3, 16, 7, 7], w: [48, 3, 3], padding: [1, 1, 1, 1] },
  { note: '3x3, stride', x: [2, 48, 11, 12], w: [16, 3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
  {
    note: '3x3, uneven padding and strides',
    x: [2, 16, 9, 13],
    w: [32, 3, 3],
    stride: [1, 3],
    padding: [0, 2, 2, 1],
  },
  { note: '3x3, dilated', x: [1, 16, 12, 13], w: [16, 3, 3], dilation: [2, 3], padding: [2, 3, 2, 3] },
  { note: '3x3, an image in bands', x: [2, 16, 128, 126], w: [16, 3, 3], padding: [1, 1, 1, 1] },
  { note: '1x5', x: [2, 32, 6, 9], w: [16, 1, 5], padding: [0, 2, 0, 2] },
  { note: '5x1', x: [2, 32, 9, 6], w: [16, 5, 1], padding: [2, 0, 2, 0] },
  { note: 'one output pixel', x: [4, 32, 3, 3], w: [32, 3, 3] },
];

function caseOf({ note, x, w, stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1] }: Geometry): Case {
  const [outChannels, ...kernel] = w;
  return {
    op: 'conv2d',
    inputs: [
      { shape: x, dtype: 'bfloat16' },
      { shape: [outChannels, x[1], ...kernel], dtype: 'bfloat16' },
    ],
    attrs: { stride, padding, dilation, groups: 1 },
    gradients: [1],
    terms: x[0] * x[2] * x[3],
    note,
  };
}

const binding = loadBinding();
const packed = typeof binding !== 'string' && binding.packedWeightGradient;
const isa = typeof binding === 'string' ? binding : binding.isa;

if (!packed) {
  it.skip(`the packed kernel is left out: it needs a build for AVX-512 BF16 and a processor that has it and no AMX; here is ${isa}`, () =>
    undefined);
}

describe(`the weight gradient of a bfloat16 convolution, by ${packed ? 'the packed kernel' : 'oneDNN'}, agrees with the reference`, () => {
  for (const one of geometries.map(caseOf)) it(titleOf(one), () => expectAgreement(cpu, one));
});

describe('the weight gradient of a bfloat16 convolution whose channels fill no blocks, by oneDNN, agrees with the reference', () => {
  const partial: readonly Geometry[] = [
    { note: '1x1, 24 channels in', x: [2, 24, 6, 7], w: [32, 1, 1] },
    { note: '3x3, 24 channels out', x: [2, 32, 6, 7], w: [24, 3, 3], padding: [1, 1, 1, 1] },
  ];
  for (const one of partial.map(caseOf)) it(titleOf(one), () => expectAgreement(cpu, one));
});
