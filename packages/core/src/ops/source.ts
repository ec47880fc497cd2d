/** Ops without inputs: literal arrays, filled arrays, and counters along an axis. */

import { numericArray, toNumeric } from '../device/numeric.ts';
import { type DType, hostArray, isFloat } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { TensorType } from '../graph/graph.ts';
import { defineOp, noGrad } from '../op.ts';
import { formatShape, normalizeAxis, type Shape, sizeOf, stridesOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** A number as JSON can carry it: the three that JSON lacks go as text. */
export type JsonNumber = number | 'Infinity' | '-Infinity' | 'NaN';

export function toJsonNumber(value: number): JsonNumber {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}

/** The type that a source's attributes ask for. */
function declaredType(op: string, { shape, dtype }: TensorType): TensorType {
  if (!shape.every((extent) => Number.isInteger(extent) && extent >= 0)) {
    throw new ShapeError(
      `${op}: extents must be whole numbers from 0 up but the shape is ${formatShape(shape)}`,
    );
  }
  return { shape, dtype };
}

export const constantOp = defineOp<{ shape: Shape; dtype: DType; data: readonly JsonNumber[] }>({
  name: 'constant',
  kind: 'source',
  infer: (_, { data, ...type }) => {
    if (data.length !== sizeOf(type.shape)) {
      throw new ShapeError(
        `constant: shape ${formatShape(type.shape)} needs ${sizeOf(type.shape)} elements but the data has ${data.length}`,
      );
    }
    return declaredType('constant', type);
  },
  grad: noGrad('it has no inputs'),
  amp: 'follow',
  reference: (_, { dtype, data }) => {
    const host = hostArray(dtype, data.length);
    host.set(data.map(Number));
    return toNumeric(dtype, host);
  },
  samples: [
    { inputs: [], attrs: { shape: [2, 2], dtype: 'float32', data: [1, -2, 0.5, 'Infinity'] } },
    { inputs: [], attrs: { shape: [3], dtype: 'int32', data: [1, -2, 7] } },
  ],
  errors: [
    {
      inputs: [],
      attrs: { shape: [3], dtype: 'float32', data: [1, 2] },
      message: /shape \[3\] needs 3 elements but the data has 2/,
    },
  ],
});

export const fullOp = defineOp<{ shape: Shape; dtype: DType; value: JsonNumber }>({
  name: 'full',
  kind: 'source',
  infer: (_, type) => declaredType('full', type),
  grad: noGrad('it has no inputs'),
  amp: 'follow',
  reference: (_, { shape, dtype, value }) => numericArray(dtype, sizeOf(shape)).fill(Number(value)),
  samples: [{ inputs: [], attrs: { shape: [2, 3], dtype: 'float32', value: 1.5 } }],
  errors: [
    { inputs: [], attrs: { shape: [2, -1], dtype: 'float32', value: 0 }, message: /the shape is \[2, -1\]/ },
  ],
});

export const iotaOp = defineOp<{ shape: Shape; dtype: DType; axis: number }>({
  name: 'iota',
  kind: 'source',
  infer: (_, { axis, ...type }) => {
    normalizeAxis('iota', axis, type.shape.length);
    return declaredType('iota', type);
  },
  grad: noGrad('it has no inputs'),
  amp: 'follow',
  reference: (_, { shape, dtype, axis }) => {
    const data = numericArray(dtype, sizeOf(shape));
    const stride = stridesOf(shape)[axis] ?? 1;
    const extent = shape[axis] ?? 1;
    for (let i = 0; i < data.length; i++) data[i] = Math.floor(i / stride) % extent;
    return data;
  },
  samples: [{ inputs: [], attrs: { shape: [2, 3, 2], dtype: 'int32', axis: 1 } }],
  errors: [
    {
      inputs: [],
      attrs: { shape: [2], dtype: 'int32', axis: 1 },
      message: /axis must be an integer in \[-1, 0\] but is 1/,
    },
  ],
});

/** A tensor in which every element is `value`. */
export function full(shape: Shape, value: number, dtype: DType = 'float32'): Tensor {
  return fullOp.one([], { shape, dtype, value: toJsonNumber(isFloat(dtype) ? value : Math.trunc(value)) });
}

export function zeros(shape: Shape, dtype: DType = 'float32'): Tensor {
  return full(shape, 0, dtype);
}

export function ones(shape: Shape, dtype: DType = 'float32'): Tensor {
  return full(shape, 1, dtype);
}

/** 0, 1, 2, ... along `axis`, the same on every other axis. */
export function iota(shape: Shape, axis = 0, dtype: DType = 'int32'): Tensor {
  return iotaOp.one([], { shape, dtype, axis: normalizeAxis('iota', axis, shape.length) });
}
