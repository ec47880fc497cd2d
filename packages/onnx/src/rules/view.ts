/** Rules of the ops that only move elements. Extents that follow the batch are never written down as numbers. */

import { numberAttribute, numberListsAttribute, numbersAttribute, textAttribute } from '../attributes.ts';
import type { Dimensions } from '../dimensions.ts';
import { defineRule, type RuleContext } from '../rule.ts';

/** ONNX's way to say "to the end" and, for negative steps, "past the beginning". */
const end = 2n ** 63n - 1n;
const beginning = -(2n ** 63n) + 1n;

defineRule('reshape', (context) => context.emit('Reshape', [context.input(0).name, reshapeTarget(context)]));

/** The new extents; one that follows the batch is written as -1, which ONNX works out. */
function reshapeTarget(context: RuleContext): string {
  const { dimensions } = context.output;
  const inferable = dimensions.filter((dimension) => dimension.dynamic).length === 1;
  const empty = dimensions.some((dimension) => dimension.size === 0);
  if (!inferable || empty) return context.shape(dimensions);
  return context.integers(dimensions.map((dimension) => (dimension.dynamic ? -1 : dimension.size)));
}

defineRule('transpose', (context) =>
  context.emit('Transpose', [context.input(0).name], {
    perm: numbersAttribute(context.attrs, 'permutation'),
  }),
);

defineRule('expand', (context) => {
  const target = context.output.dimensions;
  return context.emit('Expand', [
    context.input(0).name,
    context.shape(relative(target, context.input(0).dimensions)),
  ]);
});

/** Where an extent is kept, 1 says so to Expand: then nothing has to be computed for the batch. */
function relative(target: Dimensions, source: Dimensions): Dimensions {
  return target.map((dimension, axis) => {
    const own = source[axis - (target.length - source.length)];
    const kept = own?.dynamic === true && own.factor === dimension.factor;
    return kept ? { size: 1, dynamic: false, factor: 0 } : dimension;
  });
}

defineRule('slice', (context) => {
  const { attrs } = context;
  const starts = numbersAttribute(attrs, 'starts');
  const source = context.input(0);
  const ends = numbersAttribute(attrs, 'ends').map((value, axis) =>
    value === source.shape[axis] ? end : value,
  );
  const steps = numbersAttribute(attrs, 'steps');
  const axes = starts
    .map((_, axis) => axis)
    .filter((axis) => starts[axis] !== 0 || ends[axis] !== end || steps[axis] !== 1);
  if (axes.length === 0) return source.name;
  const pick = <T>(values: readonly T[]): T[] => values.filter((_, axis) => axes.includes(axis));
  const parts = [pick(starts), pick(ends), axes, pick(steps)].map((values) => context.integers(values));
  return context.emit('Slice', [source.name, ...parts]);
});

defineRule('sliceGrad', {
  supports: (_, attrs) => numbersAttribute(attrs, 'steps').every((step) => step === 1),
  write: (context) => {
    const starts = numbersAttribute(context.attrs, 'starts');
    const { shape } = context.input(0);
    const after = numbersAttribute(context.attrs, 'shape').map(
      (extent, axis) => extent - (starts[axis] ?? 0) - (shape[axis] ?? 0),
    );
    return context.emit('Pad', [context.input(0).name, context.integers([...starts, ...after])]);
  },
});

defineRule('pad', (context) => {
  const pads = numberListsAttribute(context.attrs, 'pads');
  const amounts = context.integers([
    ...pads.map(([before = 0]) => before),
    ...pads.map(([, after = 0]) => after),
  ]);
  const mode = textAttribute(context.attrs, 'mode');
  const inputs = [context.input(0).name, amounts];
  if (mode === 'constant') {
    inputs.push(context.scalar(numberAttribute(context.attrs, 'value'), context.input(0).dtype));
  }
  return context.emit('Pad', inputs, { mode });
});

defineRule('concat', (context) =>
  context.emit('Concat', context.names, { axis: numberAttribute(context.attrs, 'axis') }),
);

defineRule('flip', (context) => {
  const axes = numbersAttribute(context.attrs, 'axes');
  if (axes.length === 0) return context.input(0).name;
  const all = (value: number | bigint) => context.integers(axes.map(() => value));
  return context.emit('Slice', [
    context.input(0).name,
    all(end),
    all(beginning),
    context.integers(axes),
    all(-1),
  ]);
});

defineRule('tile', (context) =>
  context.emit('Tile', [context.input(0).name, context.integers(numbersAttribute(context.attrs, 'repeats'))]),
);
