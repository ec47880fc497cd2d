/** Rules of the ops without inputs: their numbers become initializers, unless their shape follows the batch. */

import { hostArray, OmmaError, sizeOf, stridesOf } from '@omma/core';
import { numberAttribute } from '../attributes.ts';
import { fixed } from '../dimensions.ts';
import { defineRule } from '../rule.ts';

defineRule('constant', (context) => {
  const { shape, dtype } = context.output;
  const data = hostArray(dtype, sizeOf(shape));
  const numbers = context.attrs.data;
  if (Array.isArray(numbers)) data.set(numbers.map(Number));
  return context.literal(shape, dtype, data);
});

defineRule('full', (context) => {
  const { dtype, dimensions } = context.output;
  const scalar = context.scalar(Number(context.attrs.value), dtype);
  if (dimensions.length === 0) return scalar;
  return context.emit('Expand', [scalar, context.shape(dimensions)]);
});

defineRule('iota', (context) => {
  const { shape, dtype, dimensions } = context.output;
  const axis = numberAttribute(context.attrs, 'axis');
  if (dimensions[axis]?.dynamic === true) {
    throw new OmmaError(
      `exportOnnx: iota${context.where} counts along an extent that is not fixed; export with a static batch and size`,
    );
  }
  const line = shape.map((extent, i) => (i === axis ? extent : 1));
  const stride = stridesOf(line)[axis] ?? 1;
  const values = Array.from({ length: sizeOf(line) }, (_, i) => Math.floor(i / stride));
  const counted = context.array(values, line, dtype);
  const others = dimensions.map((dimension, i) => (i === axis ? fixed(1) : dimension));
  return others.every((dimension) => !dimension.dynamic && dimension.size === 1)
    ? counted
    : context.emit('Expand', [counted, context.shape(others)]);
});
