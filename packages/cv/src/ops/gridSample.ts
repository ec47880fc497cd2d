/** Sampling an image at places given by a grid of coordinates in [-1, 1], as `torch.nn.functional.grid_sample`. */

import {
  at,
  defineOp,
  floatOperand,
  formatShape,
  noGrad,
  numericArray,
  type Op,
  type ReferenceArray,
  ShapeError,
  sameDType,
  sameShape,
  sizeOf,
  type Tensor,
  type TensorType,
} from '@omma/core';
import { lowerGridSample } from './gridSampleLowering.ts';
import { axisTaps, type GridAttributes } from './gridTaps.ts';
import { lowerDerivative } from './sampling.ts';

export const gridSampleOp: Op<GridAttributes> = defineOp({
  name: 'gridSample',
  kind: 'index',
  infer: (inputs, attrs) => sampledType('gridSample', inputs, attrs),
  grad: ({ inputs, attrs, cotangent }) =>
    gridSampleGradOp.all([cotangent(), at(inputs, 0), at(inputs, 1)], attrs),
  lower: (inputs, attrs) => lowerGridSample(inputs, attrs),
  amp: 'f32',
  reference: (inputs, attrs, outputs) => {
    const x = at(inputs, 0);
    const y = numericArray(at(outputs, 0).dtype, sizeOf(at(outputs, 0).shape));
    forEachTap(x, at(inputs, 1), attrs, ({ place, pixel, weight }) => {
      y[place] = (y[place] ?? 0) + weight * (x.data[pixel] ?? 0);
    });
    return y;
  },
  samples: [
    sample({ mode: 'bilinear', paddingMode: 'zeros', alignCorners: false }),
    sample({ mode: 'bilinear', paddingMode: 'border', alignCorners: true }),
    sample({ mode: 'bilinear', paddingMode: 'reflection', alignCorners: false }),
    { ...sample({ mode: 'nearest', paddingMode: 'zeros', alignCorners: false }), skipGradient: 'steps' },
    sample({ mode: 'bicubic', paddingMode: 'zeros', alignCorners: true }),
  ],
  errors: [
    {
      inputs: [
        { shape: [2, 3, 5, 6], dtype: 'float32' },
        { shape: [2, 4, 3, 3], dtype: 'float32' },
      ],
      attrs: { mode: 'bilinear', paddingMode: 'zeros', alignCorners: false },
      message: /gridSample: grid must be \[2, H', W', 2\], \(x, y\) for each place, but is \[2, 4, 3, 3\]/,
    },
  ],
});

/** (dy, x, grid) -> dx, dgrid. */
export const gridSampleGradOp: Op<GridAttributes> = defineOp({
  name: 'gridSampleGrad',
  kind: 'index',
  infer: (inputs, attrs) => {
    const dy = floatOperand('gridSampleGrad', inputs, 0, 'dy', 4, 'NCHW');
    const [x, grid] = [at(inputs, 1), at(inputs, 2)];
    const sampled = sampledType('gridSampleGrad', [x, grid], attrs);
    if (!sameShape(sampled.shape, dy.shape)) {
      throw new ShapeError(
        `gridSampleGrad: dy has shape ${formatShape(dy.shape)} but the sampling makes ${formatShape(sampled.shape)}`,
      );
    }
    return [x, grid].map(({ shape, dtype }) => ({ shape, dtype }));
  },
  grad: noGrad('second derivatives of grid sampling are not needed by any model'),
  lower: (inputs, attrs) =>
    lowerDerivative((own) => lowerGridSample(own, attrs), inputs.slice(1), at(inputs, 0)),
  amp: 'f32',
  reference: (inputs, attrs, outputs) => {
    const [dy, x, grid] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const [dx, dGrid] = [0, 1].map((i) => numericArray(at(outputs, i).dtype, sizeOf(at(outputs, i).shape)));
    if (dx === undefined || dGrid === undefined) throw new Error('gridSampleGrad has two outputs');
    forEachTap(x, grid, attrs, ({ place, pixel, weight, point, slopeX, slopeY }) => {
      const g = dy.data[place] ?? 0;
      const value = x.data[pixel] ?? 0;
      dx[pixel] = (dx[pixel] ?? 0) + g * weight;
      dGrid[point] = (dGrid[point] ?? 0) + g * value * slopeX;
      dGrid[point + 1] = (dGrid[point + 1] ?? 0) + g * value * slopeY;
    });
    return [dx, dGrid];
  },
  samples: [
    {
      inputs: [
        { shape: [2, 3, 4, 3] },
        { shape: [2, 3, 5, 6] },
        { shape: [2, 4, 3, 2], low: -1.2, high: 1.2 },
      ],
      attrs: { mode: 'bilinear', paddingMode: 'zeros', alignCorners: false },
    },
  ],
  errors: [
    {
      inputs: [
        [2, 3, 4, 4],
        [2, 3, 5, 6],
        [2, 4, 3, 2],
      ].map((shape) => ({ shape, dtype: 'float32' as const })),
      attrs: { mode: 'bilinear', paddingMode: 'zeros', alignCorners: false },
      message: /gridSampleGrad: dy has shape \[2, 3, 4, 4\] but the sampling makes \[2, 3, 4, 3\]/,
    },
  ],
});

export interface GridSampleOptions {
  /** `bilinear` unless given. */
  readonly mode?: GridAttributes['mode'];
  /** What lies outside of the image: `zeros` unless given. */
  readonly paddingMode?: GridAttributes['paddingMode'];
  /** Whether -1 and 1 are the centres of the border pixels (true) or their outer edges (false, the default). */
  readonly alignCorners?: boolean;
}

/** Samples x [N, C, H, W] at grid [N, H', W', 2], whose last axis is (x, y) in [-1, 1]; the result is [N, C, H', W']. */
export function gridSample(x: Tensor, grid: Tensor, options: GridSampleOptions = {}): Tensor {
  const { mode = 'bilinear', paddingMode = 'zeros', alignCorners = false } = options;
  return gridSampleOp.one([x, grid], { mode, paddingMode, alignCorners });
}

function sampledType(op: string, inputs: readonly TensorType[], attrs: GridAttributes): TensorType {
  const x = floatOperand(op, inputs, 0, 'x', 4, 'NCHW');
  const grid = floatOperand(op, inputs, 1, 'grid', 4);
  const [n, c] = [at(x.shape, 0), at(x.shape, 1)];
  if (at(grid.shape, 0) !== n || at(grid.shape, 3) !== 2) {
    throw new ShapeError(
      `${op}: grid must be [${n}, H', W', 2], (x, y) for each place, but is ${formatShape(grid.shape)}`,
    );
  }
  if (!['bilinear', 'nearest', 'bicubic'].includes(attrs.mode)) {
    throw new ShapeError(`${op}: mode must be bilinear, nearest or bicubic but is ${attrs.mode}`);
  }
  if (!['zeros', 'border', 'reflection'].includes(attrs.paddingMode)) {
    throw new ShapeError(
      `${op}: paddingMode must be zeros, border or reflection but is ${attrs.paddingMode}`,
    );
  }
  return { shape: [n, c, at(grid.shape, 1), at(grid.shape, 2)], dtype: sameDType(op, { x, grid }) };
}

interface SampledTap {
  /** Flat indices into the result, the image, and the grid (of the point's x; y comes next). */
  readonly place: number;
  readonly pixel: number;
  readonly point: number;
  readonly weight: number;
  /** Derivatives of `weight` by the grid's coordinates. */
  readonly slopeX: number;
  readonly slopeY: number;
}

function forEachTap(
  x: ReferenceArray,
  grid: ReferenceArray,
  attrs: GridAttributes,
  visit: (tap: SampledTap) => void,
): void {
  const [n, c, h, w] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)];
  const area = at(grid.shape, 1) * at(grid.shape, 2);
  for (let i = 0; i < n * area; i++) {
    const columns = axisTaps(grid.data[2 * i] ?? 0, w, attrs);
    const rows = axisTaps(grid.data[2 * i + 1] ?? 0, h, attrs);
    const image = Math.floor(i / area);
    for (let channel = 0; channel < c; channel++) {
      const plane = image * c + channel;
      for (const row of rows) {
        for (const column of columns) {
          visit({
            place: plane * area + (i % area),
            pixel: (plane * h + row.index) * w + column.index,
            point: 2 * i,
            weight: row.weight * column.weight,
            slopeX: row.weight * column.slope,
            slopeY: row.slope * column.weight,
          });
        }
      }
    }
  }
}

function sample(attrs: GridAttributes) {
  return { inputs: [{ shape: [2, 3, 5, 6] }, { shape: [2, 4, 3, 2], low: -1.2, high: 1.2 }], attrs };
}
