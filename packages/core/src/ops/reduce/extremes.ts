/** Largest and smallest elements over axes, and where they are. */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import type { TensorType } from '../../graph/graph.ts';
import {
  at,
  defineOp,
  type ErrorSample,
  type GradientContext,
  noGrad,
  type ReferenceArray,
} from '../../op.ts';
import { formatShape, normalizeAxis, reducedShape, sizeOf, stridesOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { numberInput } from '../check.ts';
import { div, mul } from '../elementwise/arithmetic.ts';
import { equal } from '../elementwise/compare.ts';
import { cast } from '../elementwise/parametric.ts';
import {
  foldGroups,
  type Reduction,
  type ReductionOptions,
  reducedType,
  reductionAttributes,
  withReducedAxes,
} from './define.ts';
import { reductionSamples, refusesBool, sum } from './sum.ts';

function defineExtreme(name: 'max' | 'min', start: number, pick: (a: number, b: number) => number) {
  const op = defineOp<Reduction>({
    name,
    kind: 'reduce',
    infer: (inputs, attrs) => {
      const x = numberInput(name, inputs);
      if (sizeOf(attrs.axes.map((axis) => at(x.shape, axis))) === 0) {
        throw new ShapeError(
          `${name}: no elements to choose from along axes ${formatShape(attrs.axes)} of ${formatShape(x.shape)}`,
        );
      }
      return reducedType(x, attrs);
    },
    // Ties share the gradient evenly, as PyTorch's amax and amin do.
    grad: ({ inputs, outputs, attrs, cotangent }: GradientContext<Reduction>) => {
      const x = at(inputs, 0);
      const chosen = cast(equal(x, withReducedAxes(at(outputs, 0), x.shape, attrs)), x.dtype);
      const part = div(
        withReducedAxes(cotangent(), x.shape, attrs),
        sum(chosen, { axes: attrs.axes, keepDims: true }),
      );
      return [mul(chosen, part)];
    },
    amp: 'follow',
    reference: foldGroups(start, pick),
    samples: [
      ...reductionSamples,
      {
        inputs: [{ shape: [2, 3], values: [1, 2, 2, 3, 3, 3] }],
        attrs: { axes: [1], keepDims: false },
        note: 'ties',
        skipGradient: 'ties share the gradient',
      },
    ],
    errors: [
      ...refusesBool,
      {
        inputs: [{ shape: [2, 0], dtype: 'float32' }],
        attrs: { axes: [1], keepDims: false },
        message: /no elements to choose from/,
      },
    ],
  });
  return (x: Tensor, options: ReductionOptions = {}) => op.one([x], reductionAttributes(name, x, options));
}

/** Largest element over `axes` (all unless given). */
export const max = defineExtreme('max', Number.NEGATIVE_INFINITY, Math.max);
/** Smallest element over `axes` (all unless given). */
export const min = defineExtreme('min', Number.POSITIVE_INFINITY, Math.min);

type Choice = { axis: number; keepDims: boolean };

/** Index along `axis` of the first element that no other one beats. */
function chooseIndex(
  inputs: readonly ReferenceArray[],
  { axis }: Choice,
  outputs: readonly TensorType[],
  beats: (a: number, b: number) => boolean,
) {
  const { shape, data } = at(inputs, 0);
  const result = numericArray('int32', sizeOf(at(outputs, 0).shape));
  const extent = at(shape, axis);
  const stride = at(stridesOf(shape), axis);
  for (let i = 0; i < result.length; i++) {
    const base = Math.floor(i / stride) * stride * extent + (i % stride);
    let best = 0;
    for (let k = 1; k < extent; k++)
      if (beats(data[base + k * stride] ?? 0, data[base + best * stride] ?? 0)) best = k;
    result[i] = best;
  }
  return result;
}

function defineChoice(name: 'argMax' | 'argMin', beats: (a: number, b: number) => boolean) {
  const errors: readonly ErrorSample<Choice>[] = [
    {
      inputs: [{ shape: [2, 0], dtype: 'float32' }],
      attrs: { axis: 1, keepDims: false },
      message: /no elements to choose from/,
    },
  ];
  const op = defineOp<Choice>({
    name,
    kind: 'reduce',
    infer: (inputs, { axis, keepDims }) => {
      const { shape } = numberInput(name, inputs);
      if (at(shape, axis) === 0)
        throw new ShapeError(
          `${name}: no elements to choose from along axis ${axis} of ${formatShape(shape)}`,
        );
      return { shape: reducedShape(shape, [axis], keepDims), dtype: 'int32' };
    },
    grad: noGrad('its result is an index'),
    amp: 'follow',
    reference: (inputs, attrs, outputs) => chooseIndex(inputs, attrs, outputs, beats),
    samples: [
      { inputs: [{ shape: [2, 5, 3] }], attrs: { axis: 1, keepDims: false } },
      { inputs: [{ shape: [4, 5] }], attrs: { axis: 0, keepDims: true } },
      {
        inputs: [{ shape: [6], values: [1, 3, 3, 0, 0, 3] }],
        attrs: { axis: 0, keepDims: false },
        note: 'first on ties',
      },
    ],
    errors,
  });
  return (x: Tensor, { axis, keepDims = false }: { axis: number; keepDims?: boolean }) =>
    op.one([x], { axis: normalizeAxis(name, axis, x.rank), keepDims });
}

/** Index (int32) of the largest element along `axis`; the first of equal ones. */
export const argMax = defineChoice('argMax', (a, b) => a > b);
/** Index (int32) of the smallest element along `axis`; the first of equal ones. */
export const argMin = defineChoice('argMin', (a, b) => a < b);
