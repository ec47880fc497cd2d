/** RoIAlign: the mean of bilinear samples in each cell of a grid laid over a region (He et al., Mask R-CNN), as torchvision. */

import {
  at,
  defineOp,
  numericArray,
  type Op,
  type PairLike,
  pair,
  type ReferenceArray,
  type Shape,
  ShapeError,
  sizeOf,
  type Tensor,
} from '@omma/core';
import { lowerRoiAlign, lowerRoiAlignGrad, type RoiAlignAttributes } from './roiAlignLowering.ts';
import { checkPooledGrad, checkRois, pooledType, sampleRois } from './rois.ts';

type Attributes = RoiAlignAttributes;

/** Samples a cell and axis that somebody may ask for: more than the pixels of any cell. */
const mostSamples = 1024;

export const roiAlignOp: Op<Attributes> = defineOp({
  name: 'roiAlign',
  kind: 'index',
  infer: (inputs, attrs) => {
    if (!Number.isInteger(attrs.sampling) || attrs.sampling < 0 || attrs.sampling > mostSamples) {
      throw new ShapeError(
        `roiAlign: sampling must be a whole number from 0 to ${mostSamples} but is ${attrs.sampling}`,
      );
    }
    return pooledType('roiAlign', inputs, attrs.output);
  },
  grad: ({ inputs, attrs, cotangent }) => [
    roiAlignGradOp.one([cotangent(), at(inputs, 1)], { ...attrs, inputShape: at(inputs, 0).shape }),
    null,
  ],
  lower: (inputs, attrs) => lowerRoiAlign(at(inputs, 0), at(inputs, 1), attrs),
  amp: 'f32',
  reference: (inputs, attrs, outputs) => {
    const [x, rois] = [at(inputs, 0), at(inputs, 1)];
    const y = numericArray(at(outputs, 0).dtype, sizeOf(at(outputs, 0).shape));
    forEachTap(x.shape, rois, attrs, (place, pixel, weight) => {
      y[place] = (y[place] ?? 0) + weight * (x.data[pixel] ?? 0);
    });
    return y;
  },
  samples: [
    {
      inputs: [{ shape: [2, 3, 9, 10] }, { shape: [4, 5], values: sampleRois }],
      attrs: { output: [3, 3], scale: 0.5, sampling: 2, aligned: true },
    },
    {
      inputs: [{ shape: [2, 2, 9, 10] }, { shape: [4, 5], values: sampleRois }],
      attrs: { output: [2, 4], scale: 1, sampling: 0, aligned: false },
      note: 'sampling by the region size',
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [2, 3, 9, 10], dtype: 'float32' },
        { shape: [4, 4], dtype: 'float32' },
      ],
      attrs: { output: [3, 3], scale: 1, sampling: 2, aligned: true },
      message: /roiAlign: rois must have five columns \(image, x1, y1, x2, y2\) but have shape \[4, 4\]/,
    },
    {
      inputs: [
        { shape: [2, 3, 9, 10], dtype: 'float32' },
        { shape: [4, 5], dtype: 'float32' },
      ],
      attrs: { output: [3, 3], scale: 1, sampling: 1e9, aligned: true },
      message: /roiAlign: sampling must be a whole number from 0 to 1024 but is 1000000000/,
    },
  ],
});

export const roiAlignGradOp: Op<Attributes & { readonly inputShape: Shape }> = defineOp({
  name: 'roiAlignGrad',
  kind: 'index',
  infer: (inputs, attrs) => {
    const rois = checkRois('roiAlignGrad', inputs, 1);
    const pooled = [at(rois, 0), at(attrs.inputShape, 1), ...attrs.output];
    const { dtype } = checkPooledGrad('roiAlignGrad', inputs, 0, pooled);
    return { shape: attrs.inputShape, dtype };
  },
  grad: ({ inputs, attrs: { inputShape: _, ...attrs }, cotangent }) => [
    roiAlignOp.one([cotangent(), at(inputs, 1)], attrs),
    null,
  ],
  lower: (inputs, attrs) => lowerRoiAlignGrad(at(inputs, 0), at(inputs, 1), attrs.inputShape, attrs),
  amp: 'f32',
  reference: (inputs, attrs, outputs) => {
    const [dy, rois] = [at(inputs, 0), at(inputs, 1)];
    const dx = numericArray(at(outputs, 0).dtype, sizeOf(attrs.inputShape));
    forEachTap(attrs.inputShape, rois, attrs, (place, pixel, weight) => {
      dx[pixel] = (dx[pixel] ?? 0) + weight * (dy.data[place] ?? 0);
    });
    return dx;
  },
  samples: [
    {
      inputs: [{ shape: [4, 3, 3, 3] }, { shape: [4, 5], values: sampleRois }],
      attrs: { output: [3, 3], scale: 0.5, sampling: 2, aligned: true, inputShape: [2, 3, 9, 10] },
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [3, 3, 3, 3], dtype: 'float32' },
        { shape: [4, 5], dtype: 'float32' },
      ],
      attrs: { output: [3, 3], scale: 0.5, sampling: 2, aligned: true, inputShape: [2, 3, 9, 10] },
      message: /roiAlignGrad: dy has shape \[3, 3, 3, 3\] but the pooling makes \[4, 3, 3, 3\]/,
    },
  ],
});

export interface RoiAlignOptions {
  /** Cells of the grid: [height, width], or a number for both. */
  readonly output: PairLike;
  /** Pixels of x per pixel of the picture that rois are given in; 1 unless given. */
  readonly scale?: number;
  /** Samples a cell and axis; 0 (the default) takes about one a pixel. */
  readonly sampling?: number;
  /** Whether pixel centres lie at half, which is right; false (the default, as torchvision's) keeps the old half-pixel shift. */
  readonly aligned?: boolean;
}

/**
 * Pools each region of x [N, C, H, W] to [K, C, ...output]; rois [K, 5] are (image, x1, y1, x2, y2), and get no gradient.
 * As `torchvision.ops.roi_align`.
 */
export function roiAlign(x: Tensor, rois: Tensor, options: RoiAlignOptions): Tensor {
  const { output, scale = 1, sampling = 0, aligned = false } = options;
  return roiAlignOp.one([x, rois], {
    output: pair('roiAlign', 'output', output, 1),
    scale,
    sampling: Math.max(sampling, 0),
    aligned,
  });
}

type Weighted = { readonly index: number; readonly weight: number };

/** The two pixels that a sample at `position` lies between; none when it is more than a pixel outside. */
function between(position: number, extent: number): Weighted[] {
  if (position < -1 || position > extent) return [];
  const inside = Math.max(position, 0);
  const low = Math.floor(inside);
  if (low >= extent - 1) return [{ index: extent - 1, weight: 1 }];
  return [
    { index: low, weight: 1 - (inside - low) },
    { index: low + 1, weight: inside - low },
  ];
}

/** Along one axis, for each cell, the pixels of every sample. */
function axisSamples(
  start: number,
  end: number,
  cells: number,
  extent: number,
  { scale, sampling, aligned }: Attributes,
): Weighted[][][] {
  const offset = aligned ? 0.5 : 0;
  const first = start * scale - offset;
  const length = aligned ? end * scale - start * scale : Math.max(end * scale - start * scale, 1);
  const count = sampling > 0 ? sampling : Math.ceil(Math.fround(Math.fround(length) / cells));
  const cell = length / cells;
  return Array.from({ length: cells }, (_, i) =>
    Array.from({ length: Math.max(count, 0) }, (__, s) =>
      between(first + i * cell + ((s + 0.5) * cell) / count, extent),
    ),
  );
}

function forEachTap(
  x: Shape,
  rois: ReferenceArray,
  attrs: Attributes,
  visit: (place: number, pixel: number, weight: number) => void,
): void {
  const [channels, h, w] = [at(x, 1), at(x, 2), at(x, 3)];
  const [oh, ow] = attrs.output;
  for (let k = 0; k < at(rois.shape, 0); k++) {
    const [image = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0] = rois.data.subarray(k * 5, k * 5 + 5);
    const rows = axisSamples(y1, y2, oh, h, attrs);
    const columns = axisSamples(x1, x2, ow, w, attrs);
    const share = 1 / Math.max(at(rows, 0).length * at(columns, 0).length, 1);
    for (let c = 0; c < channels; c++) {
      const plane = (image * channels + c) * h * w;
      for (let cell = 0; cell < oh * ow; cell++) {
        const place = (k * channels + c) * oh * ow + cell;
        for (const row of at(rows, Math.floor(cell / ow)).flat()) {
          for (const column of at(columns, cell % ow).flat()) {
            visit(place, plane + row.index * w + column.index, row.weight * column.weight * share);
          }
        }
      }
    }
  }
}
