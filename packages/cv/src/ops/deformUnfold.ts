/** The taps of a deformable convolution as columns, and the gradient: the only part that needs kernels of its own. */

import {
  at,
  defineOp,
  floatOperand,
  formatShape,
  noGrad,
  numericArray,
  type Op,
  type ReferenceArray,
  type Shape,
  ShapeError,
  sameShape,
  sizeOf,
  type TensorType,
  windowGrid,
} from '@omma/core';
import { type DeformAttributes, lowerDeformUnfold } from './deformUnfoldLowering.ts';
import { lowerDerivative } from './sampling.ts';

type Attributes = DeformAttributes;

export const deformUnfoldOp: Op<Attributes> = defineOp({
  name: 'deformUnfold',
  kind: 'index',
  infer: (inputs, attrs) => columnsType('deformUnfold', inputs, attrs),
  grad: ({ inputs, attrs, cotangent }) => deformUnfoldGradOp.all([cotangent(), ...inputs], attrs),
  lower: (inputs, attrs) => lowerDeformUnfold(inputs, attrs),
  amp: 'f32',
  reference: (inputs, attrs, outputs) => {
    const { shape, dtype } = at(outputs, 0);
    const columns = numericArray(dtype, sizeOf(shape));
    const x = at(inputs, 0);
    forEachTap(inputs, attrs, ({ column, factor, corners }) => {
      let value = 0;
      for (const corner of corners) value += corner.weight * (x.data[corner.pixel] ?? 0);
      columns[column] = value * factor;
    });
    return columns;
  },
  samples: [
    {
      inputs: [{ shape: [2, 2, 5, 6] }, { shape: [2, 18, 5, 6], low: -1.4, high: 1.4 }],
      attrs: geometry(3, 1, 1, 1),
    },
    {
      inputs: [
        { shape: [1, 4, 6, 7] },
        { shape: [1, 16, 4, 4], low: -1.4, high: 1.4 },
        { shape: [1, 8, 4, 4], low: 0, high: 1 },
      ],
      attrs: geometry(2, 2, 1, 2),
      note: 'mask, two offset groups',
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [2, 2, 5, 6], dtype: 'float32' },
        { shape: [2, 16, 5, 6], dtype: 'float32' },
      ],
      attrs: geometry(3, 1, 1, 1),
      message:
        /deformUnfold: offset must have shape \[2, 18, 5, 6\] \(N, 2 \* offsetGroups \* kh \* kw, H', W'\) but has \[2, 16, 5, 6\]/,
    },
  ],
});

/** (dcolumns, x, offset, mask?) -> dx, doffset, dmask?. */
export const deformUnfoldGradOp: Op<Attributes> = defineOp({
  name: 'deformUnfoldGrad',
  kind: 'index',
  infer: (inputs, attrs) => {
    const dy = floatOperand('deformUnfoldGrad', inputs, 0, 'dcolumns', 3, 'N, C * kh * kw, L');
    const rest = inputs.slice(1);
    const columns = columnsType('deformUnfoldGrad', rest, attrs);
    if (!sameShape(columns.shape, dy.shape)) {
      throw new ShapeError(
        `deformUnfoldGrad: dcolumns has shape ${formatShape(dy.shape)} but the columns are ${formatShape(columns.shape)}`,
      );
    }
    return rest.map(({ shape, dtype }) => ({ shape, dtype }));
  },
  grad: noGrad('second derivatives of deformable convolution are not needed by any model'),
  lower: (inputs, attrs) =>
    lowerDerivative((own) => lowerDeformUnfold(own, attrs), inputs.slice(1), at(inputs, 0)),
  amp: 'f32',
  reference: (inputs, attrs, outputs) => {
    const [dy, x] = [at(inputs, 0), at(inputs, 1)];
    const results = outputs.map(({ shape, dtype }) => numericArray(dtype, sizeOf(shape)));
    const [dx, dOffset, dMask] = [at(results, 0), at(results, 1), results[2]];
    forEachTap(inputs.slice(1), attrs, ({ column, offset, mask, factor, corners }) => {
      const g = dy.data[column] ?? 0;
      let value = 0;
      let slopeY = 0;
      let slopeX = 0;
      for (const corner of corners) {
        const pixel = x.data[corner.pixel] ?? 0;
        dx[corner.pixel] = (dx[corner.pixel] ?? 0) + g * factor * corner.weight;
        value += corner.weight * pixel;
        slopeY += corner.slopeY * pixel;
        slopeX += corner.slopeX * pixel;
      }
      dOffset[offset.y] = (dOffset[offset.y] ?? 0) + g * factor * slopeY;
      dOffset[offset.x] = (dOffset[offset.x] ?? 0) + g * factor * slopeX;
      if (dMask !== undefined) dMask[mask] = (dMask[mask] ?? 0) + g * value;
    });
    return results;
  },
  samples: [
    {
      inputs: [
        { shape: [2, 18, 30] },
        { shape: [2, 2, 5, 6] },
        { shape: [2, 18, 5, 6], low: -1.4, high: 1.4 },
      ],
      attrs: geometry(3, 1, 1, 1),
    },
  ],
  errors: [
    {
      inputs: [
        [2, 18, 29],
        [2, 2, 5, 6],
        [2, 18, 5, 6],
      ].map((shape) => ({ shape, dtype: 'float32' as const })),
      attrs: geometry(3, 1, 1, 1),
      message: /deformUnfoldGrad: dcolumns has shape \[2, 18, 29\] but the columns are \[2, 18, 30\]/,
    },
  ],
});

function columnsType(op: string, inputs: readonly TensorType[], attrs: Attributes): TensorType {
  const x = floatOperand(op, inputs, 0, 'x', 4, 'NCHW');
  const offset = floatOperand(op, inputs, 1, 'offset', 4);
  const [n, c, h, w] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)];
  const grid = windowGrid(op, h, w, attrs);
  const taps = sizeOf(attrs.kernel);
  if (c % attrs.offsetGroups !== 0) {
    throw new ShapeError(
      `${op}: ${attrs.offsetGroups} offset groups do not divide the ${c} channels of x ${formatShape(x.shape)}`,
    );
  }
  const check = (name: string, shape: Shape, channels: number, layout: string) => {
    const expected = [n, channels, ...grid];
    if (sameShape(shape, expected)) return;
    throw new ShapeError(
      `${op}: ${name} must have shape ${formatShape(expected)} (${layout}) but has ${formatShape(shape)}`,
    );
  };
  check('offset', offset.shape, 2 * attrs.offsetGroups * taps, "N, 2 * offsetGroups * kh * kw, H', W'");
  if (inputs.length > 2) {
    const mask = floatOperand(op, inputs, 2, 'mask', 4);
    check('mask', mask.shape, attrs.offsetGroups * taps, "N, offsetGroups * kh * kw, H', W'");
  }
  return { shape: [n, c * taps, sizeOf(grid)], dtype: x.dtype };
}

interface Corner {
  readonly pixel: number;
  readonly weight: number;
  /** Derivatives of `weight` by the position. */
  readonly slopeY: number;
  readonly slopeX: number;
}

interface DeformedTap {
  readonly column: number;
  /** Flat indices of this tap's two offsets, and of its mask. */
  readonly offset: { readonly y: number; readonly x: number };
  readonly mask: number;
  /** Mask value, 1 without a mask. */
  readonly factor: number;
  /** The pixels inside the image that the tap lies between. */
  readonly corners: readonly Corner[];
}

function cornersAt(y: number, x: number, h: number, w: number, plane: number): Corner[] {
  if (y <= -1 || y >= h || x <= -1 || x >= w) return [];
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const corners: Corner[] = [];
  for (const row of [top, top + 1]) {
    for (const column of [left, left + 1]) {
      if (row < 0 || row >= h || column < 0 || column >= w) continue;
      const weightY = row === top ? 1 - (y - top) : y - top;
      const weightX = column === left ? 1 - (x - left) : x - left;
      const slopeY = (row === top ? -1 : 1) * weightX;
      const slopeX = (column === left ? -1 : 1) * weightY;
      corners.push({ pixel: plane + row * w + column, weight: weightY * weightX, slopeY, slopeX });
    }
  }
  return corners;
}

function forEachTap(
  inputs: readonly ReferenceArray[],
  attrs: Attributes,
  visit: (tap: DeformedTap) => void,
): void {
  const [x, offset, mask] = [at(inputs, 0), at(inputs, 1), inputs[2]];
  const [n, c, h, w] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)];
  const { kernel, stride, padding, dilation, offsetGroups } = attrs;
  const [oh, ow] = [at(offset.shape, 2), at(offset.shape, 3)];
  const [taps, area] = [kernel[0] * kernel[1], oh * ow];
  for (let plane = 0; plane < n * c; plane++) {
    const group = Math.floor(((plane % c) * offsetGroups) / c);
    for (let tap = 0; tap < taps; tap++) {
      const field = (Math.floor(plane / c) * offsetGroups + group) * taps + tap;
      for (let place = 0; place < area; place++) {
        const [yIndex, xIndex] = [2 * field * area + place, (2 * field + 1) * area + place];
        const y =
          Math.floor(place / ow) * stride[0] -
          padding[0] +
          Math.floor(tap / kernel[1]) * dilation[0] +
          (offset.data[yIndex] ?? 0);
        const across =
          (place % ow) * stride[1] -
          padding[1] +
          (tap % kernel[1]) * dilation[1] +
          (offset.data[xIndex] ?? 0);
        visit({
          column: (plane * taps + tap) * area + place,
          offset: { y: yIndex, x: xIndex },
          mask: field * area + place,
          factor: mask === undefined ? 1 : (mask.data[field * area + place] ?? 0),
          corners: cornersAt(y, across, h, w, plane * h * w),
        });
      }
    }
  }
}

function geometry(kernel: number, stride: number, padding: number, offsetGroups: number): Attributes {
  return {
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
    dilation: [1, 1],
    offsetGroups,
  };
}
