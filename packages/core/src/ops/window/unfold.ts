/**
 * unfold and fold: windows of an image as columns, and columns added back to the pixels they came from. Each is the other's gradient.
 *
 * The lowering of convolution and pooling stands on them; they themselves lower to padding and strided slices, one a kernel tap.
 */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type Op, type ReferenceArray } from '../../op.ts';
import { formatShape, type Shape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { addRowsToImage, imageToRows, type Patches, transposed } from '../contract/dense.ts';
import { add, reshape } from '../index.ts';
import { floatOperand } from '../operands.ts';
import { concat } from '../view/join.ts';
import { pad } from '../view/pad.ts';
import { slice, sliceGradOp } from '../view/slice.ts';
import { type Pair, type PairLike, pads, pair, span, type WindowGeometry, windowGrid } from './geometry.ts';

export const unfoldOp: Op<WindowGeometry> = defineOp({
  name: 'unfold',
  kind: 'window',
  infer: (inputs, attrs) => {
    const x = floatOperand('unfold', inputs, 0, 'x', 4, 'NCHW');
    const [n, c, h, w] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)];
    return {
      shape: [n, c * sizeOf(attrs.kernel), sizeOf(windowGrid('unfold', h, w, attrs))],
      dtype: x.dtype,
    };
  },
  grad: ({ inputs, attrs, cotangent }) => {
    const [, , h, w] = at(inputs, 0).shape;
    return [foldOp.one([cotangent()], { ...attrs, outputSize: [h ?? 1, w ?? 1] })];
  },
  lower: (inputs, attrs) => {
    const x = at(inputs, 0);
    const [n, c, h, w] = [x.dim(0), x.dim(1), x.dim(2), x.dim(3)];
    const grid = windowGrid('unfold', h, w, attrs);
    const [top, left, bottom, right] = attrs.padding;
    const padded = attrs.padding.some((side) => side > 0)
      ? pad(x, {
          pads: [
            [0, 0],
            [0, 0],
            [top, bottom],
            [left, right],
          ],
        })
      : x;
    const taps = tapStarts(attrs).map(([y, xStart]) => {
      const part = slice(padded, {
        starts: [0, 0, y, xStart],
        ends: [n, c, y + (grid[0] - 1) * attrs.stride[0] + 1, xStart + (grid[1] - 1) * attrs.stride[1] + 1],
        steps: [1, 1, ...attrs.stride],
      });
      return reshape(part, [n, c, 1, grid[0] * grid[1]]);
    });
    return reshape(concat(taps, 2), [n, c * taps.length, grid[0] * grid[1]]);
  },
  amp: 'follow',
  reference: (inputs, attrs, outputs) => {
    const x = at(inputs, 0);
    const { shape, dtype } = at(outputs, 0);
    const result = numericArray(dtype, sizeOf(shape));
    const [batch, depth, places] = [at(shape, 0), at(shape, 1), at(shape, 2)];
    const patches = patchesOf('unfold', [1, ...x.shape.slice(1)], attrs);
    for (let n = 0; n < batch; n++) {
      const plane = x.data.subarray((n * x.data.length) / batch, ((n + 1) * x.data.length) / batch);
      result.set(transposed(imageToRows(plane, patches), places, depth), n * depth * places);
    }
    return result;
  },
  samples: [
    {
      inputs: [{ shape: [2, 3, 5, 6] }],
      attrs: { kernel: [3, 2], stride: [2, 2], padding: [1, 1, 1, 1], dilation: [1, 1] },
    },
    {
      inputs: [{ shape: [1, 2, 6, 5] }],
      attrs: { kernel: [2, 2], stride: [1, 2], padding: [0, 1, 2, 0], dilation: [2, 1] },
    },
  ],
  errors: [
    {
      inputs: [{ shape: [1, 2, 2, 6], dtype: 'float32' }],
      attrs: { kernel: [3, 3], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] },
      message: /unfold: the kernel spans 3 pixels but the padded height is 2/,
    },
  ],
});

export const foldOp: Op<WindowGeometry & { readonly outputSize: Pair }> = defineOp({
  name: 'fold',
  kind: 'window',
  infer: (inputs, attrs) => {
    const columns = floatOperand('fold', inputs, 0, 'columns', 3, 'N, C * kh * kw, L');
    const [n, depth, places] = [at(columns.shape, 0), at(columns.shape, 1), at(columns.shape, 2)];
    const [h, w] = attrs.outputSize;
    const grid = windowGrid('fold', h, w, attrs);
    if (depth % sizeOf(attrs.kernel) !== 0 || places !== sizeOf(grid)) {
      throw new ShapeError(
        `fold: columns ${formatShape(columns.shape)} do not fit: kernel ${formatShape(attrs.kernel)} on an output of ${formatShape(attrs.outputSize)} stands at ${sizeOf(grid)} places`,
      );
    }
    return { shape: [n, depth / sizeOf(attrs.kernel), h, w], dtype: columns.dtype };
  },
  grad: ({ attrs: { outputSize: _, ...attrs }, cotangent }) => [unfoldOp.one([cotangent()], attrs)],
  lower: (inputs, attrs) => {
    const columns = at(inputs, 0);
    const [n, depth] = [columns.dim(0), columns.dim(1)];
    const [h, w] = attrs.outputSize;
    const grid = windowGrid('fold', h, w, attrs);
    const [top, left, bottom, right] = attrs.padding;
    const starts = tapStarts(attrs);
    const channels = depth / starts.length;
    const taps = reshape(columns, [n, channels, starts.length, ...grid]);
    const shape = [n, channels, h + top + bottom, w + left + right];
    const placed = starts.map(([y, x], tap) => {
      const one = slice(taps, { starts: [0, 0, tap, 0, 0], ends: [n, channels, tap + 1, ...grid] });
      return sliceGradOp.one([reshape(one, [n, channels, ...grid])], {
        shape,
        starts: [0, 0, y, x],
        steps: [1, 1, ...attrs.stride],
      });
    });
    const total = placed.reduce(add);
    return slice(total, { starts: [0, 0, top, left], ends: [n, channels, top + h, left + w] });
  },
  amp: 'follow',
  reference: (inputs, attrs, outputs) => {
    const columns = at(inputs, 0);
    const { shape, dtype } = at(outputs, 0);
    const image = numericArray(dtype, sizeOf(shape));
    const [batch, depth, places] = [at(columns.shape, 0), at(columns.shape, 1), at(columns.shape, 2)];
    for (let n = 0; n < batch; n++) {
      const plane = image.subarray((n * image.length) / batch, ((n + 1) * image.length) / batch);
      addRowsToImage(
        rowsOf(columns, n, depth, places),
        plane,
        patchesOf('fold', [1, ...shape.slice(1)], attrs),
      );
    }
    return image;
  },
  samples: [
    {
      inputs: [{ shape: [2, 18, 12] }],
      attrs: { outputSize: [5, 6], kernel: [3, 2], stride: [2, 2], padding: [1, 1, 1, 1], dilation: [1, 1] },
    },
  ],
  errors: [
    {
      inputs: [{ shape: [2, 18, 11], dtype: 'float32' }],
      attrs: { outputSize: [5, 6], kernel: [3, 2], stride: [2, 2], padding: [1, 1, 1, 1], dilation: [1, 1] },
      message: /fold: columns \[2, 18, 11\] do not fit/,
    },
  ],
});

export interface UnfoldOptions {
  readonly kernel: PairLike;
  readonly stride?: PairLike;
  readonly padding?: PairLike;
  readonly dilation?: PairLike;
}

/** Windows of x [N, C, H, W] as columns [N, C * kh * kw, L], as `torch.nn.functional.unfold`. */
export function unfold(x: Tensor, options: UnfoldOptions): Tensor {
  return unfoldOp.one([x], windowAttributes('unfold', options));
}

/** Columns [N, C * kh * kw, L] added up into an image [N, C, ...outputSize], as `torch.nn.functional.fold`. */
export function fold(columns: Tensor, options: UnfoldOptions & { readonly outputSize: PairLike }): Tensor {
  const outputSize = pair('fold', 'outputSize', options.outputSize, 1);
  return foldOp.one([columns], { ...windowAttributes('fold', options), outputSize });
}

function windowAttributes(
  op: string,
  { kernel, stride = 1, padding = 0, dilation = 1 }: UnfoldOptions,
): WindowGeometry {
  return {
    kernel: pair(op, 'kernel', kernel, 1),
    stride: pair(op, 'stride', stride, 1),
    padding: pads(op, padding),
    dilation: pair(op, 'dilation', dilation, 1),
  };
}

/** Where each kernel tap starts in the padded image, row by row. */
function tapStarts({ kernel, dilation }: WindowGeometry): [number, number][] {
  const starts: [number, number][] = [];
  for (let y = 0; y < span(kernel[0], dilation[0]); y += dilation[0]) {
    for (let x = 0; x < span(kernel[1], dilation[1]); x += dilation[1]) starts.push([y, x]);
  }
  return starts;
}

function rowsOf(columns: ReferenceArray, n: number, depth: number, places: number): Float64Array {
  return transposed(columns.data, depth, places, n * depth * places);
}

function patchesOf(op: string, image: Shape, geometry: WindowGeometry): Patches {
  const [batch, channels, height, width] = [at(image, 0), at(image, 1), at(image, 2), at(image, 3)];
  const grid = windowGrid(op, height, width, geometry);
  return { batch, channels, height, width, firstChannel: 0, groupChannels: channels, grid, geometry };
}
