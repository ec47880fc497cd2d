/** Resizing images: nearest, bilinear and bicubic, and adaptive average pooling, which is the same product with other taps. */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type Op } from '../../op.ts';
import { formatShape, type Shape, sameShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { matmul } from '../contract/matmul.ts';
import { cast } from '../index.ts';
import { floatOperand } from '../operands.ts';
import { type Pair, type PairLike, pair } from './geometry.ts';
import { averageTaps, type ResizeMode, resizeTaps, type Tap, tapMatrix } from './resampling.ts';

type Attributes = { readonly size: Pair; readonly mode: ResizeMode; readonly alignCorners: boolean };

export const resizeOp: Op<Attributes> = defineOp({
  name: 'resize',
  kind: 'window',
  infer: (inputs, attrs) => {
    const x = floatOperand('resize', inputs, 0, 'x', 4, 'NCHW');
    checkMode('resize', attrs);
    return { shape: [...x.shape.slice(0, 2), ...attrs.size], dtype: x.dtype };
  },
  grad: ({ inputs, attrs, cotangent }) => [
    resizeGradOp.one([cotangent()], { ...attrs, inputShape: at(inputs, 0).shape }),
  ],
  lower: (inputs, attrs) => {
    const x = at(inputs, 0);
    const { vertical, horizontal } = matrices(x.shape, attrs);
    return matmul(matmul(cast(vertical, x.dtype), x), cast(horizontal, x.dtype), { transposeB: true });
  },
  amp: 'follow',
  reference: (inputs, attrs, outputs) => {
    const x = at(inputs, 0);
    const { shape, dtype } = at(outputs, 0);
    const y = numericArray(dtype, sizeOf(shape));
    forEachTap(x.shape, attrs, (place, pixel, weight) => {
      y[place] = (y[place] ?? 0) + weight * (x.data[pixel] ?? 0);
    });
    return y;
  },
  samples: [
    { inputs: [{ shape: [2, 3, 4, 5] }], attrs: { size: [7, 10], mode: 'nearest', alignCorners: false } },
    { inputs: [{ shape: [2, 3, 4, 5] }], attrs: { size: [7, 3], mode: 'bilinear', alignCorners: false } },
    { inputs: [{ shape: [1, 2, 4, 5] }], attrs: { size: [6, 1], mode: 'bilinear', alignCorners: true } },
    { inputs: [{ shape: [1, 2, 4, 5] }], attrs: { size: [7, 9], mode: 'bicubic', alignCorners: false } },
    { inputs: [{ shape: [1, 2, 4, 5] }], attrs: { size: [3, 8], mode: 'bicubic', alignCorners: true } },
  ],
  errors: [
    {
      inputs: [{ shape: [3, 4, 5], dtype: 'float32' }],
      attrs: { size: [7, 9], mode: 'bilinear', alignCorners: false },
      message: /resize: x must have rank 4 \(NCHW\) but is float32\[3, 4, 5\]/,
    },
    {
      inputs: [{ shape: [1, 3, 4, 5], dtype: 'float32' }],
      attrs: { size: [7, 9], mode: 'nearest', alignCorners: true },
      message: /resize: alignCorners has no meaning with mode nearest/,
    },
  ],
});

export const resizeGradOp: Op<Attributes & { readonly inputShape: Shape }> = defineOp({
  name: 'resizeGrad',
  kind: 'window',
  infer: (inputs, attrs) => {
    const dy = floatOperand('resizeGrad', inputs, 0, 'dy', 4, 'NCHW');
    checkMode('resizeGrad', attrs);
    const resized = [...attrs.inputShape.slice(0, 2), ...attrs.size];
    if (!sameShape(resized, dy.shape)) {
      throw new ShapeError(
        `resizeGrad: dy has shape ${formatShape(dy.shape)} but the resize makes ${formatShape(resized)}`,
      );
    }
    return { shape: attrs.inputShape, dtype: dy.dtype };
  },
  grad: ({ attrs: { inputShape: _, ...attrs }, cotangent }) => [resizeOp.one([cotangent()], attrs)],
  lower: (inputs, attrs) => {
    const dy = at(inputs, 0);
    const { vertical, horizontal } = matrices(attrs.inputShape, attrs);
    return matmul(matmul(cast(vertical, dy.dtype), dy, { transposeA: true }), cast(horizontal, dy.dtype));
  },
  amp: 'follow',
  reference: (inputs, attrs, outputs) => {
    const dy = at(inputs, 0);
    const dx = numericArray(at(outputs, 0).dtype, sizeOf(attrs.inputShape));
    forEachTap(attrs.inputShape, attrs, (place, pixel, weight) => {
      dx[pixel] = (dx[pixel] ?? 0) + weight * (dy.data[place] ?? 0);
    });
    return dx;
  },
  samples: [
    {
      inputs: [{ shape: [2, 3, 7, 10] }],
      attrs: { size: [7, 10], mode: 'nearest', alignCorners: false, inputShape: [2, 3, 4, 5] },
    },
    {
      inputs: [{ shape: [1, 2, 7, 3] }],
      attrs: { size: [7, 3], mode: 'bilinear', alignCorners: false, inputShape: [1, 2, 4, 5] },
    },
    {
      inputs: [{ shape: [1, 2, 3, 8] }],
      attrs: { size: [3, 8], mode: 'bicubic', alignCorners: true, inputShape: [1, 2, 4, 5] },
    },
  ],
  errors: [
    {
      inputs: [{ shape: [1, 2, 7, 4], dtype: 'float32' }],
      attrs: { size: [7, 3], mode: 'bilinear', alignCorners: false, inputShape: [1, 2, 4, 5] },
      message: /resizeGrad: dy has shape \[1, 2, 7, 4\] but the resize makes \[1, 2, 7, 3\]/,
    },
  ],
});

export const adaptiveAvgPool2dOp: Op<{ readonly output: Pair }> = defineOp({
  name: 'adaptiveAvgPool2d',
  kind: 'window',
  infer: (inputs, { output }) => {
    const x = floatOperand('adaptiveAvgPool2d', inputs, 0, 'x', 4, 'NCHW');
    return { shape: [...x.shape.slice(0, 2), ...output], dtype: x.dtype };
  },
  grad: 'lower',
  lower: (inputs, { output }) => {
    const x = at(inputs, 0);
    const vertical = tapMatrix(averageTaps(x.dim(2), output[0]), x.dim(2));
    const horizontal = tapMatrix(averageTaps(x.dim(3), output[1]), x.dim(3));
    return matmul(matmul(cast(vertical, x.dtype), x), cast(horizontal, x.dtype), { transposeB: true });
  },
  amp: 'follow',
  samples: [
    { inputs: [{ shape: [2, 3, 7, 5] }], attrs: { output: [3, 2] } },
    { inputs: [{ shape: [1, 2, 3, 4] }], attrs: { output: [5, 4] }, note: 'larger than the input' },
  ],
  errors: [
    {
      inputs: [{ shape: [3, 7, 5], dtype: 'float32' }],
      attrs: { output: [3, 2] },
      message: /adaptiveAvgPool2d: x must have rank 4 \(NCHW\) but is float32\[3, 7, 5\]/,
    },
  ],
});

export interface ResizeOptions {
  /** [height, width] of the result; a number for both. */
  readonly size: PairLike;
  readonly mode: ResizeMode;
  /** Whether the corner pixels' centres coincide; false unless given. */
  readonly alignCorners?: boolean;
}

/** Resizes x [N, C, H, W] to [N, C, ...size], as `torch.nn.functional.interpolate` without antialiasing. */
export function resize(x: Tensor, { size, mode, alignCorners = false }: ResizeOptions): Tensor {
  return resizeOp.one([x], { size: pair('resize', 'size', size, 1), mode, alignCorners });
}

/** Means over a grid of `output` [height, width] regions of x [N, C, H, W], as `torch.nn.functional.adaptive_avg_pool2d`. */
export function adaptiveAvgPool2d(x: Tensor, output: PairLike): Tensor {
  return adaptiveAvgPool2dOp.one([x], { output: pair('adaptiveAvgPool2d', 'output', output, 1) });
}

function checkMode(op: string, { mode, alignCorners }: Attributes): void {
  if (!['nearest', 'bilinear', 'bicubic'].includes(mode)) {
    throw new ShapeError(`${op}: mode must be nearest, bilinear or bicubic but is ${mode}`);
  }
  if (mode === 'nearest' && alignCorners)
    throw new ShapeError(`${op}: alignCorners has no meaning with mode nearest`);
}

function axisTaps(
  x: Shape,
  { size, mode, alignCorners }: Attributes,
  axis: 0 | 1,
): readonly (readonly Tap[])[] {
  return resizeTaps(at(x, 2 + axis), size[axis], mode, alignCorners);
}

function matrices(x: Shape, attrs: Attributes): { vertical: Tensor; horizontal: Tensor } {
  return {
    vertical: tapMatrix(axisTaps(x, attrs, 0), at(x, 2)),
    horizontal: tapMatrix(axisTaps(x, attrs, 1), at(x, 3)),
  };
}

function forEachTap(
  x: Shape,
  attrs: Attributes,
  visit: (place: number, pixel: number, weight: number) => void,
): void {
  const [h, w] = [at(x, 2), at(x, 3)];
  const rows = axisTaps(x, attrs, 0);
  const columns = axisTaps(x, attrs, 1);
  for (let plane = 0; plane < at(x, 0) * at(x, 1); plane++) {
    rows.forEach((rowTaps, i) => {
      columns.forEach((columnTaps, j) => {
        const place = (plane * rows.length + i) * columns.length + j;
        for (const row of rowTaps) {
          for (const column of columnTaps)
            visit(place, (plane * h + row.index) * w + column.index, row.weight * column.weight);
        }
      });
    });
  }
}
