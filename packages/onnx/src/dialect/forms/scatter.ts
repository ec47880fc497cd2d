/** ScatterElements as ScatterND on the flat tensor: the place of each element is its offset, a sum of one small vector an axis. */

import { at, sizeOf, stridesOf } from '@omma/core';
import { defineForm } from '../forms.ts';

defineForm('ScatterElements', (context) => {
  const [data, indices, updates] = [context.name(0), context.name(1), context.name(2)];
  const [shape, spread] = [context.shape(data), context.shape(indices)];
  const { opset } = context.node.model.dialect;
  const reduction = context.text('reduction', 'none');
  if (shape === null || spread === null || (reduction !== 'none' && opset < 17)) return null;
  const attributes = reduction === 'none' ? {} : { reduction };
  if (!context.allowed('ScatterND', [data], attributes)) return null;
  const axis = context.number('axis', 0);
  const strides = stridesOf(shape);
  let offsets = context.emit('Mul', [indices, context.scalar(at(strides, axis), indices)]);
  for (const [i, extent] of spread.entries()) {
    if (i === axis || extent === 1) continue;
    const line = spread.map((_, k) => (k === i ? extent : 1));
    const steps = Array.from({ length: extent }, (_, k) => k * at(strides, i));
    offsets = context.emit('Add', [offsets, context.array(steps, line, indices)]);
  }
  const flat = context.cast(context.reshape(offsets, [sizeOf(spread), 1]), 'int64');
  const scattered = context.emit(
    'ScatterND',
    [context.reshape(data, [sizeOf(shape)]), flat, context.reshape(updates, [sizeOf(spread)])],
    attributes,
  );
  return context.reshape(scattered, shape);
});
