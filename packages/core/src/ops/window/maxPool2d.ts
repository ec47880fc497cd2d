/**
 * Max pooling and its gradient. In a window with equal largest elements the first one (row by row) gets the gradient, and NaN
 * wins, as in PyTorch.
 */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type Op, type ReferenceArray } from '../../op.ts';
import { formatShape, type Shape, sameShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { argMax, equal, iota, max, reshape, where } from '../index.ts';
import { floatOperand, sameDType } from '../operands.ts';
import { pad } from '../view/pad.ts';
import { type PairLike, pads, pair, span, type WindowGeometry, windowGrid } from './geometry.ts';
import { fold, unfold } from './unfold.ts';

type Attributes = WindowGeometry & { readonly ceilMode: boolean };

export const maxPool2dOp: Op<Attributes> = defineOp({
  name: 'maxPool2d',
  kind: 'window',
  infer: (inputs, attrs) => {
    const x = floatOperand('maxPool2d', inputs, 0, 'x', 4, 'NCHW');
    return { shape: pooledShape('maxPool2d', x.shape, attrs), dtype: x.dtype };
  },
  grad: ({ inputs, attrs, cotangent }) => [maxPool2dGradOp.one([at(inputs, 0), cotangent()], attrs)],
  lower: (inputs, attrs) => {
    const x = at(inputs, 0);
    return reshape(max(windows(x, attrs), { axes: [2] }), pooledShape('maxPool2d', x.shape, attrs));
  },
  amp: 'follow',
  reference: (inputs, attrs, outputs) => {
    const x = at(inputs, 0);
    const { shape, dtype } = at(outputs, 0);
    const y = numericArray(dtype, sizeOf(shape));
    forEachMaximum(x, shape, attrs, (place, pixel) => {
      y[place] = x.data[pixel] ?? 0;
    });
    return y;
  },
  samples: [
    { inputs: [{ shape: [2, 3, 6, 7] }], attrs: geometry(3, 2, 1, 1, false) },
    { inputs: [{ shape: [1, 2, 6, 7] }], attrs: geometry(3, 2, 0, 1, true), note: 'ceil' },
    { inputs: [{ shape: [1, 2, 7, 7] }], attrs: geometry(2, 1, 1, 2, false), note: 'dilated' },
  ],
  errors: [
    {
      inputs: [{ shape: [1, 2, 6, 7], dtype: 'float32' }],
      attrs: geometry(2, 2, 2, 1, false),
      message: /maxPool2d: padding \[2, 2, 2, 2\] must be at most half of the kernel \[2, 2\]/,
    },
    {
      inputs: [{ shape: [2, 6, 7], dtype: 'float32' }],
      attrs: geometry(2, 2, 0, 1, false),
      message: /maxPool2d: x must have rank 4 \(NCHW\) but is float32\[2, 6, 7\]/,
    },
  ],
});

export const maxPool2dGradOp: Op<Attributes> = defineOp({
  name: 'maxPool2dGrad',
  kind: 'window',
  infer: (inputs, attrs) => {
    const x = floatOperand('maxPool2dGrad', inputs, 0, 'x', 4, 'NCHW');
    const dy = floatOperand('maxPool2dGrad', inputs, 1, 'dy', 4, 'NCHW');
    const pooled = pooledShape('maxPool2dGrad', x.shape, attrs);
    if (!sameShape(pooled, dy.shape)) {
      throw new ShapeError(
        `maxPool2dGrad: dy has shape ${formatShape(dy.shape)} but the pooling makes ${formatShape(pooled)}`,
      );
    }
    return { shape: x.shape, dtype: sameDType('maxPool2dGrad', { x, dy }) };
  },
  grad: 'lower',
  lower: (inputs, attrs) => {
    const [x, dy] = [at(inputs, 0), at(inputs, 1)];
    const [n, c, h, w] = [x.dim(0), x.dim(1), x.dim(2), x.dim(3)];
    const { kernel, stride, dilation } = attrs;
    const chosen = argMax(windows(x, attrs), { axis: 2, keepDims: true });
    const here = equal(iota([sizeOf(kernel), 1]), chosen);
    const taps = reshape(where(here, reshape(dy, chosen.shape), 0), [n, c * sizeOf(kernel), -1]);
    return fold(taps, { outputSize: [h, w], kernel, stride, padding: reach(x.shape, attrs), dilation });
  },
  amp: 'follow',
  reference: (inputs, attrs, outputs) => {
    const [x, dy] = [at(inputs, 0), at(inputs, 1)];
    const { shape, dtype } = at(outputs, 0);
    const dx = numericArray(dtype, sizeOf(shape));
    forEachMaximum(x, dy.shape, attrs, (place, pixel) => {
      dx[pixel] = (dx[pixel] ?? 0) + (dy.data[place] ?? 0);
    });
    return dx;
  },
  samples: [
    { inputs: [{ shape: [2, 3, 6, 7] }, { shape: [2, 3, 3, 4] }], attrs: geometry(3, 2, 1, 1, false) },
    {
      inputs: [{ shape: [1, 1, 4, 4], values: new Array(16).fill(1) }, { shape: [1, 1, 2, 2] }],
      attrs: geometry(2, 2, 0, 1, false),
      note: 'ties',
      skipGradient: 'every window is a tie',
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [1, 2, 6, 6], dtype: 'float32' },
        { shape: [1, 2, 2, 3], dtype: 'float32' },
      ],
      attrs: geometry(2, 2, 0, 1, false),
      message: /maxPool2dGrad: dy has shape \[1, 2, 2, 3\] but the pooling makes \[1, 2, 3, 3\]/,
    },
  ],
});

export interface MaxPoolOptions {
  readonly kernel: PairLike;
  /** The kernel's size unless given. */
  readonly stride?: PairLike;
  /** Never chosen; at most half of the kernel. */
  readonly padding?: PairLike;
  readonly dilation?: PairLike;
  /** Whether a last window may hang over the end. */
  readonly ceilMode?: boolean;
}

/** Largest element of each window of x [N, C, H, W], as `torch.nn.functional.max_pool2d`. */
export function maxPool2d(x: Tensor, options: MaxPoolOptions): Tensor {
  const { kernel, stride = kernel, padding = 0, dilation = 1, ceilMode = false } = options;
  return maxPool2dOp.one([x], {
    kernel: pair('maxPool2d', 'kernel', kernel, 1),
    stride: pair('maxPool2d', 'stride', stride, 1),
    padding: pads('maxPool2d', padding),
    dilation: pair('maxPool2d', 'dilation', dilation, 1),
    ceilMode,
  });
}

function pooledShape(op: string, x: Shape, attrs: Attributes): number[] {
  const { kernel, padding } = attrs;
  if (padding.some((side, i) => side * 2 > at(kernel, i % 2))) {
    throw new ShapeError(
      `${op}: padding ${formatShape(padding)} must be at most half of the kernel ${formatShape(kernel)}`,
    );
  }
  return [at(x, 0), at(x, 1), ...windowGrid(op, at(x, 2), at(x, 3), attrs, attrs.ceilMode)];
}

/** Padding on the four sides up to the end of the last window, which ceilMode can put beyond the attribute's padding. */
function reach(x: Shape, attrs: Attributes): [number, number, number, number] {
  const [top, left, bottom, right] = attrs.padding;
  const grid = windowGrid('maxPool2d', at(x, 2), at(x, 3), attrs, attrs.ceilMode);
  const end = (axis: 0 | 1) =>
    (grid[axis] - 1) * attrs.stride[axis] + span(attrs.kernel[axis], attrs.dilation[axis]);
  return [top, left, Math.max(bottom, end(0) - at(x, 2) - top), Math.max(right, end(1) - at(x, 3) - left)];
}

/** [N, C, kernel size, places]; -Infinity outside of the image. */
function windows(x: Tensor, attrs: Attributes): Tensor {
  const [top, left, bottom, right] = reach(x.shape, attrs);
  const { kernel, stride, dilation } = attrs;
  const padded = pad(x, {
    pads: [
      [0, 0],
      [0, 0],
      [top, bottom],
      [left, right],
    ],
    value: Number.NEGATIVE_INFINITY,
  });
  return reshape(unfold(padded, { kernel, stride, dilation }), [x.dim(0), x.dim(1), sizeOf(kernel), -1]);
}

/** Calls `visit` with each output place and the input pixel that it takes its value from. */
function forEachMaximum(
  x: ReferenceArray,
  y: Shape,
  attrs: Attributes,
  visit: (place: number, pixel: number) => void,
): void {
  const [h, w, oh, ow] = [at(x.shape, 2), at(x.shape, 3), at(y, 2), at(y, 3)];
  const planes = at(x.shape, 0) * at(x.shape, 1);
  const { kernel, stride, padding, dilation } = attrs;
  for (let plane = 0; plane < planes; plane++) {
    for (let i = 0; i < oh; i++) {
      for (let j = 0; j < ow; j++) {
        let best = -1;
        let largest = Number.NEGATIVE_INFINITY;
        for (let a = 0; a < kernel[0]; a++) {
          const row = i * stride[0] - padding[0] + a * dilation[0];
          if (row < 0 || row >= h) continue;
          for (let b = 0; b < kernel[1]; b++) {
            const column = j * stride[1] - padding[1] + b * dilation[1];
            if (column < 0 || column >= w) continue;
            const pixel = (plane * h + row) * w + column;
            const value = x.data[pixel] ?? 0;
            if (best < 0 || value > largest || Number.isNaN(value)) {
              best = pixel;
              largest = value;
            }
          }
        }
        visit((plane * oh + i) * ow + j, best);
      }
    }
  }
}

function geometry(
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
  ceilMode: boolean,
): Attributes {
  return {
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
    dilation: [dilation, dilation],
    ceilMode,
  };
}
