/** RoIPool: the largest element in each cell of a grid laid over a region (Girshick, Fast R-CNN), with torchvision's rounding. */

import {
  at,
  defineOp,
  noGrad,
  numericArray,
  type Op,
  type PairLike,
  pair,
  type ReferenceArray,
  type Shape,
  sizeOf,
  type Tensor,
} from '@omma/core';
import { lowerRoiPool, type RoiPoolAttributes } from './roiPoolLowering.ts';
import { checkPooledGrad, pooledType, sampleRois } from './rois.ts';
import { lowerDerivative } from './sampling.ts';

type Attributes = RoiPoolAttributes;

export const roiPoolOp: Op<Attributes> = defineOp({
  name: 'roiPool',
  kind: 'index',
  infer: (inputs, attrs) => pooledType('roiPool', inputs, attrs.output),
  grad: ({ inputs, attrs, cotangent }) => [
    roiPoolGradOp.one([at(inputs, 0), at(inputs, 1), cotangent()], attrs),
    null,
  ],
  lower: (inputs, attrs) => lowerRoiPool(at(inputs, 0), at(inputs, 1), attrs),
  amp: 'f32',
  reference: (inputs, attrs, outputs) => {
    const [x, rois] = [at(inputs, 0), at(inputs, 1)];
    const y = numericArray(at(outputs, 0).dtype, sizeOf(at(outputs, 0).shape));
    forEachMaximum(x, rois, attrs, (place, pixel) => {
      y[place] = x.data[pixel] ?? 0;
    });
    return y;
  },
  samples: [
    {
      inputs: [{ shape: [2, 3, 9, 10] }, { shape: [4, 5], values: sampleRois }],
      attrs: { output: [3, 2], scale: 0.5 },
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [2, 3, 9, 10], dtype: 'float32' },
        { shape: [5], dtype: 'float32' },
      ],
      attrs: { output: [3, 3], scale: 1 },
      message: /roiPool: rois must have rank 2 \(K, 5\) but is float32\[5\]/,
    },
  ],
});

export const roiPoolGradOp: Op<Attributes> = defineOp({
  name: 'roiPoolGrad',
  kind: 'index',
  infer: (inputs, attrs) => {
    const pooled = pooledType('roiPoolGrad', inputs, attrs.output);
    const { dtype } = checkPooledGrad('roiPoolGrad', inputs, 2, pooled.shape);
    return { shape: at(inputs, 0).shape, dtype };
  },
  grad: noGrad('second derivatives of RoI pooling are not needed by any detector'),
  lower: (inputs, attrs) => {
    const [x, rois, dy] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    return lowerDerivative((own) => lowerRoiPool(at(own, 0), rois, attrs), [x], dy);
  },
  amp: 'f32',
  reference: (inputs, attrs, outputs) => {
    const [x, rois, dy] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const dx = numericArray(at(outputs, 0).dtype, x.data.length);
    forEachMaximum(x, rois, attrs, (place, pixel) => {
      dx[pixel] = (dx[pixel] ?? 0) + (dy.data[place] ?? 0);
    });
    return dx;
  },
  samples: [
    {
      inputs: [{ shape: [2, 3, 9, 10] }, { shape: [4, 5], values: sampleRois }, { shape: [4, 3, 3, 2] }],
      attrs: { output: [3, 2], scale: 0.5 },
    },
  ],
  errors: [
    {
      inputs: [
        [2, 3, 9, 10],
        [4, 5],
        [4, 3, 2, 2],
      ].map((shape) => ({ shape, dtype: 'float32' as const })),
      attrs: { output: [3, 3], scale: 1 },
      message: /roiPoolGrad: dy has shape \[4, 3, 2, 2\] but the pooling makes \[4, 3, 3, 3\]/,
    },
  ],
});

/**
 * Pools each region of x [N, C, H, W] to [K, C, ...output]; rois [K, 5] are (image, x1, y1, x2, y2), `scale` (1 unless given) brings
 * them to pixels of x. As `torchvision.ops.roi_pool`.
 */
export function roiPool(
  x: Tensor,
  rois: Tensor,
  { output, scale = 1 }: { output: PairLike; scale?: number },
): Tensor {
  return roiPoolOp.one([x, rois], { output: pair('roiPool', 'output', output, 1), scale });
}

/** C's rounding: half away from zero. */
function roundAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

/** Pixels [from, to) of each cell along one axis; in float32, as torchvision, because the rounding decides. */
function cellRanges(
  start: number,
  end: number,
  cells: number,
  extent: number,
  scale: number,
): [number, number][] {
  const first = roundAway(Math.fround(start * scale));
  const length = Math.max(roundAway(Math.fround(end * scale)) - first + 1, 1);
  const cell = Math.fround(length / cells);
  const inside = (position: number) => Math.min(Math.max(position + first, 0), extent);
  return Array.from({ length: cells }, (_, i) => [
    inside(Math.floor(Math.fround(i * cell))),
    inside(Math.ceil(Math.fround((i + 1) * cell))),
  ]);
}

/** Calls `visit` with each cell and the pixel that it takes its value from; not for cells without a pixel. */
function forEachMaximum(
  x: ReferenceArray,
  rois: ReferenceArray,
  { output, scale }: Attributes,
  visit: (place: number, pixel: number) => void,
): void {
  const [channels, h, w] = planes(x.shape);
  const [oh, ow] = output;
  for (let k = 0; k < at(rois.shape, 0); k++) {
    const [image = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0] = rois.data.subarray(k * 5, k * 5 + 5);
    const rows = cellRanges(y1, y2, oh, h, scale);
    const columns = cellRanges(x1, x2, ow, w, scale);
    for (let c = 0; c < channels; c++) {
      for (let cell = 0; cell < oh * ow; cell++) {
        const pixel = largestIn(
          x,
          (image * channels + c) * h * w,
          w,
          at(rows, Math.floor(cell / ow)),
          at(columns, cell % ow),
        );
        if (pixel >= 0) visit((k * channels + c) * oh * ow + cell, pixel);
      }
    }
  }
}

function planes(shape: Shape): [number, number, number] {
  return [at(shape, 1), at(shape, 2), at(shape, 3)];
}

/** Index of the first largest pixel in a rectangle, -1 when it is empty. */
function largestIn(
  x: ReferenceArray,
  plane: number,
  w: number,
  rows: [number, number],
  columns: [number, number],
): number {
  let best = -1;
  for (let row = rows[0]; row < rows[1]; row++) {
    for (let column = columns[0]; column < columns[1]; column++) {
      const pixel = plane + row * w + column;
      if (best < 0 || (x.data[pixel] ?? 0) > (x.data[best] ?? 0)) best = pixel;
    }
  }
  return best;
}
