/**
 * Pooling in elements that have no kernel for it: one shifted slice for each place of the window, down and then across, combined
 * elementwise. Exact: the maximum is bit for bit an element of the input, which the gradient of max pooling relies on.
 */

import { at } from '@omma/core';
import type { FormContext } from '../formContext.ts';
import { defineForm } from '../forms.ts';

defineForm('MaxPool', (context) => {
  if (context.node.outputCount > 1) return null;
  return overWindows(context, 'Max', Number.NEGATIVE_INFINITY);
});

defineForm('AveragePool', (context) => {
  const x = context.name(0);
  const [kernel, shape] = [context.numbers('kernel_shape'), context.shape(x)];
  const total = overWindows(context, 'Add', 0);
  if (total === null || kernel === null || shape === null) return null;
  const pads = context.numbers('pads') ?? [0, 0, 0, 0];
  if (context.number('count_include_pad', 0) === 1 || pads.every((pad) => pad === 0)) {
    return context.emit('Mul', [total, context.scalar(1 / (at(kernel, 0) * at(kernel, 1)), x)]);
  }
  const [down, across] = [counts(context, 0), counts(context, 1)];
  const shares = down.flatMap((rows) => across.map((columns) => 1 / (rows * columns)));
  return context.emit('Mul', [total, context.array(shares, [1, 1, down.length, across.length], x)]);
});

/** How many places of each window along an axis lie on the picture. */
function counts(context: FormContext, axis: 0 | 1): number[] {
  const extent = at(context.shape(context.name(0)) ?? [], axis + 2);
  const { size, stride, before, outputs } = windowAlong(context, axis);
  return Array.from({ length: outputs }, (_, i) => {
    const start = i * stride - before;
    return Math.max(1, Math.min(extent, start + size) - Math.max(0, start));
  });
}

function windowAlong(context: FormContext, axis: 0 | 1) {
  const { shape } = context.node.facts.outputs[0] ?? { shape: null };
  return {
    size: at(context.numbers('kernel_shape') ?? [], axis),
    stride: at(context.numbers('strides') ?? [1, 1], axis),
    dilation: at(context.numbers('dilations') ?? [1, 1], axis),
    before: at(context.numbers('pads') ?? [0, 0], axis),
    outputs: shape?.[axis + 2] ?? 0,
  };
}

/** Pads with `outside`, then combines the window's places along each of the two axes; null for anything but two spatial axes. */
function overWindows(context: FormContext, combine: 'Max' | 'Add', outside: number): string | null {
  const x = context.name(0);
  if (context.shape(x)?.length !== 4 || context.numbers('kernel_shape') === null) return null;
  const [top = 0, left = 0, bottom = 0, right = 0] = context.numbers('pads') ?? [];
  let result = x;
  if (top + left + bottom + right > 0) {
    const amounts = context.integers([0, 0, top, left, 0, 0, bottom, right]);
    result = context.emit('Pad', [x, amounts, context.scalar(outside, x)], { mode: 'constant' });
  }
  for (const axis of [0, 1] as const) {
    const source = result;
    const { size, stride, dilation, outputs } = windowAlong(context, axis);
    const places = Array.from({ length: size }, (_, k) => {
      const [from, to] = [k * dilation, k * dilation + (outputs - 1) * stride + 1];
      const bounds = [from, to, axis + 2, stride].map((value) => context.integers([value]));
      return context.emit('Slice', [source, ...bounds]);
    });
    result = places.reduce((a, b) => context.emit(combine, [a, b]));
  }
  return result;
}
