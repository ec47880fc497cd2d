/** Matrix products, batched and broadcast. Closed under differentiation: its gradients are matrix products again. */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type Op, type ReferenceArray } from '../../op.ts';
import { broadcastShapes, formatShape, type Shape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { broadcastIndices } from '../broadcast.ts';
import { reshape } from '../index.ts';
import { floatOperand, sameDType } from '../operands.ts';
import { copied, multiplyRows, transposed } from './dense.ts';

type Attributes = { readonly transposeA: boolean; readonly transposeB: boolean };

export const matmulOp: Op<Attributes> = defineOp({
  name: 'matmul',
  kind: 'contract',
  infer: (inputs, attrs) => {
    const a = floatOperand('matmul', inputs, 0, 'a');
    const b = floatOperand('matmul', inputs, 1, 'b');
    const dtype = sameDType('matmul', { a, b });
    if (a.shape.length < 2 || b.shape.length < 2) {
      throw new ShapeError(
        `matmul: a and b must have rank 2 or more but are ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
      );
    }
    const [m, inner] = matrixExtents(a.shape, attrs.transposeA);
    const [otherInner, n] = matrixExtents(b.shape, attrs.transposeB);
    if (inner !== otherInner) {
      const ofA = `a ${formatShape(a.shape)}${attrs.transposeA ? ' (transposed)' : ''}`;
      const ofB = `b ${formatShape(b.shape)}${attrs.transposeB ? ' (transposed)' : ''}`;
      throw new ShapeError(`matmul: a has ${inner} columns but b has ${otherInner} rows: ${ofA}, ${ofB}`);
    }
    const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
    return { shape: [...batch, m, n], dtype };
  },
  grad: ({ inputs, attrs: { transposeA, transposeB }, cotangent, needs }) => {
    const [a, b, dy] = [at(inputs, 0), at(inputs, 1), cotangent()];
    const gradA = () =>
      transposeA
        ? matmulOp.one([b, dy], { transposeA: transposeB, transposeB: true })
        : matmulOp.one([dy, b], { transposeA: false, transposeB: !transposeB });
    const gradB = () =>
      transposeB
        ? matmulOp.one([dy, a], { transposeA: true, transposeB: transposeA })
        : matmulOp.one([a, dy], { transposeA: !transposeA, transposeB: false });
    return [needs(0) ? gradA() : null, needs(1) ? gradB() : null];
  },
  amp: 'low',
  reference: (inputs, attrs, outputs) => {
    const [a, b] = [at(inputs, 0), at(inputs, 1)];
    const { shape, dtype } = at(outputs, 0);
    const batch = shape.slice(0, -2);
    const [m, n] = [at(shape, shape.length - 2), at(shape, shape.length - 1)];
    const inner = at(matrixExtents(a.shape, attrs.transposeA), 1);
    const result = numericArray(dtype, sizeOf(shape));
    const ofA = broadcastIndices(a.shape.slice(0, -2), batch);
    const ofB = broadcastIndices(b.shape.slice(0, -2), batch);
    ofA.forEach((matrixA, i) => {
      const rows = matrix(a, matrixA, attrs.transposeA);
      const columns = matrix(b, ofB[i] ?? 0, !attrs.transposeB);
      result.set(multiplyRows(rows, columns, m, n, inner), i * m * n);
    });
    return result;
  },
  samples: [
    { inputs: [{ shape: [3, 5] }, { shape: [5, 4] }], attrs: { transposeA: false, transposeB: false } },
    { inputs: [{ shape: [2, 5, 3] }, { shape: [2, 4, 5] }], attrs: { transposeA: true, transposeB: true } },
    {
      inputs: [{ shape: [2, 1, 3, 5] }, { shape: [4, 5, 2] }],
      attrs: { transposeA: false, transposeB: false },
      note: 'broadcast',
    },
    { inputs: [{ shape: [2, 3, 5] }, { shape: [4, 5] }], attrs: { transposeA: false, transposeB: true } },
    { inputs: [{ shape: [5, 3] }, { shape: [5, 4] }], attrs: { transposeA: true, transposeB: false } },
  ],
  errors: [
    {
      inputs: [
        { shape: [3, 5], dtype: 'float32' },
        { shape: [4, 2], dtype: 'float32' },
      ],
      attrs: { transposeA: false, transposeB: false },
      message: /matmul: a has 5 columns but b has 4 rows: a \[3, 5\], b \[4, 2\]/,
    },
    {
      inputs: [
        { shape: [2, 3, 5], dtype: 'float32' },
        { shape: [3, 5, 2], dtype: 'float32' },
      ],
      attrs: { transposeA: false, transposeB: false },
      message: /matmul: shapes \[2\] and \[3\] do not broadcast at axis 0/,
    },
    {
      inputs: [
        { shape: [3, 5], dtype: 'float32' },
        { shape: [5, 2], dtype: 'bfloat16' },
      ],
      attrs: { transposeA: false, transposeB: false },
      message: /matmul: a and b must have the same dtype/,
    },
  ],
});

/**
 * Matrix product of the last two axes, as `torch.matmul`: leading axes broadcast, a vector counts as a row of `a` or a column of
 * `b`. `transposeA` and `transposeB` read an operand of rank 2 or more with its last two axes swapped.
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  options: { transposeA?: boolean; transposeB?: boolean } = {},
): Tensor {
  const { transposeA = false, transposeB = false } = options;
  const left = a.rank === 1 ? reshape(a, [1, -1]) : a;
  const right = b.rank === 1 ? reshape(b, [-1, 1]) : b;
  const y = matmulOp.one([left, right], {
    transposeA: transposeA && a.rank > 1,
    transposeB: transposeB && b.rank > 1,
  });
  if (a.rank > 1 && b.rank > 1) return y;
  const batch = y.shape.slice(0, -2);
  return reshape(y, [...batch, ...(a.rank > 1 ? [y.dim(-2)] : []), ...(b.rank > 1 ? [y.dim(-1)] : [])]);
}

/** Rows and columns as the product sees them. */
function matrixExtents(shape: Shape, transpose: boolean): [number, number] {
  const [rows, columns] = [at(shape, shape.length - 2), at(shape, shape.length - 1)];
  return transpose ? [columns, rows] : [rows, columns];
}

/** Matrix `index` of a stack, as it lies or transposed. */
function matrix({ data, shape }: ReferenceArray, index: number, transpose: boolean): Float64Array {
  const [rows, columns] = matrixExtents(shape, false);
  const start = index * rows * columns;
  return transpose ? transposed(data, rows, columns, start) : copied(data, start, rows * columns);
}
