/** Reshape, transpose, expand and what is built from them: the same elements under other axes. */

import { ShapeError } from '../../errors.ts';
import { at, defineOp, type GradientContext } from '../../op.ts';
import {
  broadcastShapes,
  formatShape,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
} from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { spread } from '../broadcast.ts';
import { anyInput } from '../check.ts';
import { stridedIndices, take } from '../strided.ts';

type Target = { shape: Shape };

const reshapeOp = defineOp<Target>({
  name: 'reshape',
  kind: 'view',
  infer: (inputs, { shape }) => {
    const x = anyInput('reshape', inputs);
    if (sizeOf(x.shape) !== sizeOf(shape)) {
      throw new ShapeError(
        `reshape: ${formatShape(x.shape)} has ${sizeOf(x.shape)} elements but ${formatShape(shape)} needs ${sizeOf(shape)}`,
      );
    }
    return { shape, dtype: x.dtype };
  },
  grad: ({ inputs, cotangent }: GradientContext<Target>) => [reshape(cotangent(), at(inputs, 0).shape)],
  amp: 'follow',
  reference: (inputs) => at(inputs, 0).data.slice(),
  samples: [
    { inputs: [{ shape: [2, 6] }], attrs: { shape: [3, 4] } },
    { inputs: [{ shape: [1, 1] }], attrs: { shape: [] }, note: 'to a scalar' },
    { inputs: [{ shape: [4], dtype: 'bfloat16' }], attrs: { shape: [2, 2, 1] }, note: '16-bit' },
  ],
  errors: [
    {
      inputs: [{ shape: [2, 3], dtype: 'float32' }],
      attrs: { shape: [4] },
      message: /\[2, 3\] has 6 elements but \[4\] needs 4/,
    },
  ],
});

/** The same elements, row-major, under another shape, of which one extent may be -1 and is worked out. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const open = shape.indexOf(-1);
  const target = open === -1 ? shape : shape.with(open, openExtent(x, shape));
  return sameShape(target, x.shape) ? x : reshapeOp.one([x], { shape: target });
}

function openExtent(x: Tensor, shape: Shape): number {
  const rest = -sizeOf(shape);
  if (rest <= 0 || x.size % rest !== 0 || shape.filter((extent) => extent === -1).length > 1) {
    throw new ShapeError(
      `reshape: ${formatShape(x.shape)} with ${x.size} elements does not fit ${formatShape(shape)}`,
    );
  }
  return x.size / rest;
}

type Permutation = { permutation: readonly number[] };

const transposeOp = defineOp<Permutation>({
  name: 'transpose',
  kind: 'view',
  infer: (inputs, { permutation }) => {
    const x = anyInput('transpose', inputs);
    const sorted = permutation.toSorted((a, b) => a - b);
    if (sorted.length !== x.shape.length || sorted.some((axis, i) => axis !== i)) {
      throw new ShapeError(
        `transpose: permutation ${formatShape(permutation)} must name each axis of x ${formatShape(x.shape)} once`,
      );
    }
    return { shape: permutation.map((axis) => at(x.shape, axis)), dtype: x.dtype };
  },
  grad: ({ attrs: { permutation }, cotangent }: GradientContext<Permutation>) => [
    transpose(
      cotangent(),
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  amp: 'follow',
  reference: (inputs, { permutation }, outputs) => {
    const x = at(inputs, 0);
    const strides = stridesOf(x.shape);
    return take(
      x,
      stridedIndices(
        at(outputs, 0).shape,
        permutation.map((axis) => at(strides, axis)),
      ),
    );
  },
  samples: [
    { inputs: [{ shape: [2, 3] }], attrs: { permutation: [1, 0] } },
    { inputs: [{ shape: [2, 3, 4, 5] }], attrs: { permutation: [0, 2, 3, 1] }, note: 'NCHW to NHWC' },
    { inputs: [{ shape: [2, 3, 4], dtype: 'bfloat16' }], attrs: { permutation: [2, 0, 1] }, note: '16-bit' },
  ],
  errors: [
    {
      inputs: [{ shape: [2, 3], dtype: 'float32' }],
      attrs: { permutation: [0, 0] },
      message: /permutation \[0, 0\] must name each axis/,
    },
  ],
});

/** Axes in another order; without `permutation`, reversed. Negative axes count from the back. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  const axes = permutation ?? x.shape.map((_, axis) => x.rank - 1 - axis);
  return transposeOp.one([x], { permutation: axes.map((axis) => normalizeAxis('transpose', axis, x.rank)) });
}

const expandOp = defineOp<Target>({
  name: 'expand',
  kind: 'view',
  infer: (inputs, { shape }) => {
    const x = anyInput('expand', inputs);
    if (!sameShape(broadcastShapes('expand', x.shape, shape), shape)) {
      throw new ShapeError(`expand: ${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}`);
    }
    return { shape, dtype: x.dtype };
  },
  grad: ({ cotangent }: GradientContext<Target>) => [cotangent()],
  amp: 'follow',
  reference: (inputs, { shape }) => spread(at(inputs, 0), shape).slice(),
  samples: [
    { inputs: [{ shape: [3, 1] }], attrs: { shape: [3, 4] } },
    { inputs: [{ shape: [3] }], attrs: { shape: [2, 3] }, note: 'a new axis in front' },
    { inputs: [{ shape: [] }], attrs: { shape: [2, 2] }, note: 'from a scalar' },
  ],
  errors: [
    {
      inputs: [{ shape: [2, 3], dtype: 'float32' }],
      attrs: { shape: [1, 3] },
      message: /\[2, 3\] does not broadcast to \[1, 3\]/,
    },
  ],
});

/** `x` broadcast to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : expandOp.one([x], { shape });
}

/** A new axis of extent 1 at `axis` of the result. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  return reshape(x, x.shape.toSpliced(normalizeAxis('unsqueeze', axis, x.rank + 1), 0, 1));
}

/** Without `axis`, which must have extent 1; without any axis of extent 1 when none is given. */
export function squeeze(x: Tensor, axis?: number): Tensor {
  if (axis === undefined)
    return reshape(
      x,
      x.shape.filter((extent) => extent !== 1),
    );
  const dropped = normalizeAxis('squeeze', axis, x.rank);
  if (x.shape[dropped] !== 1)
    throw new ShapeError(`squeeze: axis ${axis} of ${formatShape(x.shape)} must have extent 1`);
  return reshape(x, x.shape.toSpliced(dropped, 1));
}
