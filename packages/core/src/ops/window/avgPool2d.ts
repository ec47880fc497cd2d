/** Average pooling with PyTorch's rules for what a window at the border divides by; each of the two ops is the other's gradient. */

import { numericArray } from '../../device/numeric.ts';
import { hostArray } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type Op } from '../../op.ts';
import { formatShape, type Shape, sameShape, sizeOf } from '../../shape.ts';
import { type Tensor, tensor } from '../../tensor.ts';
import { cast, expand, mean, mul, reshape, sum } from '../index.ts';
import { floatOperand } from '../operands.ts';
import { pad } from '../view/pad.ts';
import { type Pads, type Pair, type PairLike, pads, pair, windowGrid } from './geometry.ts';
import { fold, unfold } from './unfold.ts';

type Attributes = {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pads;
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
};

export const avgPool2dOp: Op<Attributes> = defineOp({
  name: 'avgPool2d',
  kind: 'window',
  infer: (inputs, attrs) => {
    const x = floatOperand('avgPool2d', inputs, 0, 'x', 4, 'NCHW');
    return { shape: pooledShape('avgPool2d', x.shape, attrs), dtype: x.dtype };
  },
  grad: ({ inputs, attrs, cotangent }) => [
    avgPool2dGradOp.one([cotangent()], { ...attrs, inputShape: at(inputs, 0).shape }),
  ],
  lower: (inputs, attrs) => {
    const x = at(inputs, 0);
    const [top, left, bottom, right] = reach(x.shape, attrs);
    const padded = pad(x, {
      pads: [
        [0, 0],
        [0, 0],
        [top, bottom],
        [left, right],
      ],
    });
    const columns = unfold(padded, { kernel: attrs.kernel, stride: attrs.stride });
    const totals = sum(reshape(columns, [x.dim(0), x.dim(1), sizeOf(attrs.kernel), -1]), { axes: [2] });
    const y = reshape(totals, pooledShape('avgPool2d', x.shape, attrs));
    return mul(y, shares(x.shape, attrs, x));
  },
  amp: 'follow',
  reference: (inputs, attrs, outputs) => {
    const x = at(inputs, 0);
    const { shape, dtype } = at(outputs, 0);
    const y = numericArray(dtype, sizeOf(shape));
    forEachTap(x.shape, attrs, (place, pixel, divisor) => {
      y[place] = (y[place] ?? 0) + (x.data[pixel] ?? 0) / divisor;
    });
    return y;
  },
  samples: [
    { inputs: [{ shape: [2, 3, 6, 7] }], attrs: geometry(3, 2, 1, false, true) },
    {
      inputs: [{ shape: [1, 2, 6, 7] }],
      attrs: geometry(3, 2, 1, true, false),
      note: 'ceil, padding not counted',
    },
    {
      inputs: [{ shape: [1, 2, 6, 7] }],
      attrs: geometry(3, 2, 0, true, true),
      note: 'ceil, padding counted',
    },
  ],
  errors: [
    {
      inputs: [{ shape: [1, 2, 2, 7], dtype: 'float32' }],
      attrs: geometry(3, 2, 0, false, true),
      message: /avgPool2d: the kernel spans 3 pixels but the padded height is 2/,
    },
    {
      inputs: [{ shape: [1, 2, 6, 7], dtype: 'float32' }],
      attrs: geometry(3, 2, 2, false, true),
      message: /avgPool2d: padding \[2, 2, 2, 2\] must be at most half of the kernel/,
    },
  ],
});

export const avgPool2dGradOp: Op<Attributes & { readonly inputShape: Shape }> = defineOp({
  name: 'avgPool2dGrad',
  kind: 'window',
  infer: (inputs, attrs) => {
    const dy = floatOperand('avgPool2dGrad', inputs, 0, 'dy', 4, 'NCHW');
    const pooled = pooledShape('avgPool2dGrad', attrs.inputShape, attrs);
    if (!sameShape(pooled, dy.shape)) {
      throw new ShapeError(
        `avgPool2dGrad: dy has shape ${formatShape(dy.shape)} but the pooling makes ${formatShape(pooled)}`,
      );
    }
    return { shape: attrs.inputShape, dtype: dy.dtype };
  },
  grad: ({ attrs: { inputShape: _, ...attrs }, cotangent }) => [avgPool2dOp.one([cotangent()], attrs)],
  lower: (inputs, attrs) => {
    const { inputShape: shape, kernel, stride } = attrs;
    const [n, c, h, w] = [at(shape, 0), at(shape, 1), at(shape, 2), at(shape, 3)];
    const dy = mul(at(inputs, 0), shares(shape, attrs, at(inputs, 0)));
    const taps = expand(reshape(dy, [n, c, 1, -1]), [n, c, sizeOf(kernel), dy.dim(2) * dy.dim(3)]);
    const columns = reshape(taps, [n, c * sizeOf(kernel), -1]);
    return fold(columns, { outputSize: [h, w], kernel, stride, padding: reach(shape, attrs) });
  },
  amp: 'follow',
  reference: (inputs, attrs, outputs) => {
    const dy = at(inputs, 0);
    const dx = numericArray(at(outputs, 0).dtype, sizeOf(attrs.inputShape));
    forEachTap(attrs.inputShape, attrs, (place, pixel, divisor) => {
      dx[pixel] = (dx[pixel] ?? 0) + (dy.data[place] ?? 0) / divisor;
    });
    return dx;
  },
  samples: [
    {
      inputs: [{ shape: [2, 3, 3, 4] }],
      attrs: { ...geometry(3, 2, 1, false, true), inputShape: [2, 3, 6, 7] },
    },
    {
      inputs: [{ shape: [1, 2, 4, 4] }],
      attrs: { ...geometry(3, 2, 1, true, false), inputShape: [1, 2, 6, 7] },
    },
  ],
  errors: [
    {
      inputs: [{ shape: [2, 3, 3, 3], dtype: 'float32' }],
      attrs: { ...geometry(3, 2, 1, false, true), inputShape: [2, 3, 6, 7] },
      message: /avgPool2dGrad: dy has shape \[2, 3, 3, 3\] but the pooling makes \[2, 3, 3, 4\]/,
    },
  ],
});

export const globalAvgPoolOp: Op<Readonly<Record<string, never>>> = defineOp({
  name: 'globalAvgPool',
  kind: 'reduce',
  infer: (inputs) => {
    const x = floatOperand('globalAvgPool', inputs, 0, 'x', 4, 'NCHW');
    return { shape: [...x.shape.slice(0, 2), 1, 1], dtype: x.dtype };
  },
  grad: 'lower',
  lower: (inputs) => mean(at(inputs, 0), { axes: [2, 3], keepDims: true }),
  amp: 'follow',
  samples: [{ inputs: [{ shape: [2, 3, 4, 5] }], attrs: {} }],
  errors: [
    {
      inputs: [{ shape: [2, 3], dtype: 'float32' }],
      attrs: {},
      message: /globalAvgPool: x must have rank 4 \(NCHW\) but is float32\[2, 3\]/,
    },
  ],
});

export interface AvgPoolOptions {
  readonly kernel: PairLike;
  /** The kernel's size unless given. */
  readonly stride?: PairLike;
  readonly padding?: PairLike;
  readonly ceilMode?: boolean;
  /** Whether a window at the border divides by its padding too; true unless given. */
  readonly countIncludePad?: boolean;
}

/** Mean of each window of x [N, C, H, W], as `torch.nn.functional.avg_pool2d`. */
export function avgPool2d(x: Tensor, options: AvgPoolOptions): Tensor {
  const { kernel, stride = kernel, padding = 0, ceilMode = false, countIncludePad = true } = options;
  return avgPool2dOp.one([x], {
    kernel: pair('avgPool2d', 'kernel', kernel, 1),
    stride: pair('avgPool2d', 'stride', stride, 1),
    padding: pads('avgPool2d', padding),
    ceilMode,
    countIncludePad,
  });
}

/** Mean of each channel of x [N, C, H, W] as [N, C, 1, 1]. */
export function globalAvgPool(x: Tensor): Tensor {
  return globalAvgPoolOp.one([x], {});
}

function pooledShape(op: string, x: Shape, attrs: Attributes): number[] {
  const { kernel, padding } = attrs;
  if (padding.some((side, i) => side * 2 > at(kernel, i % 2))) {
    throw new ShapeError(
      `${op}: padding ${formatShape(padding)} must be at most half of the kernel ${formatShape(kernel)}`,
    );
  }
  return [at(x, 0), at(x, 1), ...grid(x, attrs)];
}

function grid(x: Shape, attrs: Attributes): Pair {
  return windowGrid('avgPool2d', at(x, 2), at(x, 3), { ...attrs, dilation: [1, 1] }, attrs.ceilMode);
}

/** Padding on the four sides up to the end of the last window, which ceilMode can put beyond the attribute's padding. */
function reach(x: Shape, attrs: Attributes): [number, number, number, number] {
  const [top, left, bottom, right] = attrs.padding;
  const places = grid(x, attrs);
  const end = (axis: 0 | 1) => (places[axis] - 1) * attrs.stride[axis] + attrs.kernel[axis];
  return [top, left, Math.max(bottom, end(0) - at(x, 2) - top), Math.max(right, end(1) - at(x, 3) - left)];
}

/** The pixels [from, to) of one axis that window `place` covers, and how many it counts in its mean. */
function coverage(
  x: Shape,
  attrs: Attributes,
  axis: 0 | 1,
  place: number,
): { from: number; to: number; counted: number } {
  const extent = at(x, 2 + axis);
  const start = place * attrs.stride[axis] - attrs.padding[axis];
  const end = Math.min(start + attrs.kernel[axis], extent + at(attrs.padding, 2 + axis));
  const [from, to] = [Math.max(start, 0), Math.min(end, extent)];
  return { from, to, counted: attrs.countIncludePad ? end - start : to - from };
}

/** 1 / divisor of every output place, [1, 1, H', W'], in the dtype of `like`. */
function shares(x: Shape, attrs: Attributes, like: Tensor): Tensor {
  const [oh, ow] = grid(x, attrs);
  const data = hostArray('float32', oh * ow);
  for (let i = 0; i < data.length; i++) {
    const rows = coverage(x, attrs, 0, Math.floor(i / ow)).counted;
    data[i] = 1 / (rows * coverage(x, attrs, 1, i % ow).counted);
  }
  return cast(tensor(data, [1, 1, oh, ow]), like.dtype);
}

function forEachTap(
  x: Shape,
  attrs: Attributes,
  visit: (place: number, pixel: number, divisor: number) => void,
): void {
  const [h, w] = [at(x, 2), at(x, 3)];
  const [oh, ow] = grid(x, attrs);
  for (let plane = 0; plane < at(x, 0) * at(x, 1); plane++) {
    for (let place = 0; place < oh * ow; place++) {
      const rows = coverage(x, attrs, 0, Math.floor(place / ow));
      const columns = coverage(x, attrs, 1, place % ow);
      const divisor = rows.counted * columns.counted;
      for (let row = rows.from; row < rows.to; row++) {
        for (let column = columns.from; column < columns.to; column++) {
          visit(plane * oh * ow + place, (plane * h + row) * w + column, divisor);
        }
      }
    }
  }
}

function geometry(
  kernel: number,
  stride: number,
  padding: number,
  ceilMode: boolean,
  countIncludePad: boolean,
): Attributes {
  return {
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
    ceilMode,
    countIncludePad,
  };
}
