/** Product, variance, log-sum-exp, running sum. */

import { numericArray } from '../../device/numeric.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type GradientContext } from '../../op.ts';
import { formatShape, normalizeAxis, sizeOf, stridesOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { floatInput, numberInput } from '../check.ts';
import { add, div, mul, sub } from '../elementwise/arithmetic.ts';
import { equal } from '../elementwise/compare.ts';
import { typeOf } from '../elementwise/define.ts';
import { exp, log, square } from '../elementwise/exponential.ts';
// biome-ignore lint/suspicious/noShadowRestrictedNames: the op's name
import { isFinite, logicalAnd, logicalOr } from '../elementwise/logic.ts';
import { cast } from '../elementwise/parametric.ts';
import { where } from '../elementwise/where.ts';
import { stopGradient } from '../stopGradient.ts';
import { flip } from '../view/arrange.ts';
import { pad } from '../view/pad.ts';
import { reshape } from '../view/reshape.ts';
import { slice } from '../view/slice.ts';
import {
  foldGroups,
  type Reduction,
  type ReductionOptions,
  reducedType,
  reductionAttributes,
  withReducedAxes,
} from './define.ts';
import { max } from './extremes.ts';
import { mean, reductionSamples, refusesBool, sum } from './sum.ts';

const prodOp = defineOp<Reduction>({
  name: 'prod',
  kind: 'reduce',
  infer: (inputs, attrs) => reducedType(numberInput('prod', inputs), attrs),
  // The product of all others: the product without zeros over x, unless a zero (or two) is among the others.
  grad: ({ inputs, attrs, cotangent }: GradientContext<Reduction>) => {
    const x = at(inputs, 0);
    const options = { axes: attrs.axes, keepDims: true };
    const isZero = equal(x, 0);
    const nonZero = where(isZero, 1, x);
    const zeros = sum(cast(isZero, x.dtype), options);
    const counts = logicalOr(equal(zeros, 0), logicalAnd(equal(zeros, 1), isZero));
    const others = where(counts, div(prod(nonZero, options), nonZero), 0);
    return [mul(withReducedAxes(cotangent(), x.shape, attrs), others)];
  },
  amp: 'f32',
  reference: foldGroups(1, (total, x) => total * x),
  samples: [
    ...reductionSamples,
    {
      inputs: [{ shape: [3, 3], values: [1, 2, 3, 4, 0, 6, 0, 0, 7] }],
      attrs: { axes: [1], keepDims: false },
      note: 'zeros',
    },
  ],
  errors: refusesBool,
});

/** Product over `axes` (all unless given). */
export function prod(x: Tensor, options: ReductionOptions = {}): Tensor {
  return prodOp.one([x], reductionAttributes('prod', x, options));
}

const logSumExpOp = defineOp<Reduction>({
  name: 'logSumExp',
  kind: 'composite',
  infer: (inputs, attrs) => reducedType(floatInput('logSumExp', inputs), attrs),
  grad: 'lower',
  lower: (inputs, attrs) => {
    const x = at(inputs, 0);
    const peak = stopGradient(max(x, { axes: attrs.axes, keepDims: true }));
    const shift = where(isFinite(peak), peak, 0);
    const total = log(sum(exp(sub(x, shift)), { axes: attrs.axes, keepDims: true }));
    return reshape(add(total, shift), reducedType(x, attrs).shape);
  },
  amp: 'f32',
  samples: [
    ...reductionSamples,
    {
      inputs: [{ shape: [2, 2], values: [1000, 1001, -1000, -1001] }],
      attrs: { axes: [1], keepDims: false },
      note: 'large values',
    },
  ],
  errors: refusesBool,
});

/** log of the sum of exp(x) over `axes` (all unless given), without overflow. */
export function logSumExp(x: Tensor, options: ReductionOptions = {}): Tensor {
  return logSumExpOp.one([x], reductionAttributes('logSumExp', x, options));
}

type Variance = Reduction & { correction: number };

const varianceOp = defineOp<Variance>({
  name: 'variance',
  kind: 'composite',
  infer: (inputs, attrs) => {
    const x = floatInput('variance', inputs);
    const count = sizeOf(attrs.axes.map((axis) => at(x.shape, axis)));
    if (count <= attrs.correction) {
      throw new ShapeError(
        `variance: axes ${formatShape(attrs.axes)} of x ${formatShape(x.shape)} have ${count} elements, which must be more than correction ${attrs.correction}`,
      );
    }
    return reducedType(x, attrs);
  },
  grad: 'lower',
  lower: (inputs, { axes, keepDims, correction }) => {
    const x = at(inputs, 0);
    const count = sizeOf(axes.map((axis) => at(x.shape, axis)));
    const centred = sub(x, mean(x, { axes, keepDims: true }));
    return mul(sum(square(centred), { axes, keepDims }), 1 / (count - correction));
  },
  amp: 'f32',
  samples: [
    { inputs: [{ shape: [2, 5] }], attrs: { axes: [1], keepDims: false, correction: 1 } },
    { inputs: [{ shape: [2, 3, 4] }], attrs: { axes: [0, 2], keepDims: true, correction: 0 } },
  ],
  errors: [
    {
      inputs: [{ shape: [2, 1], dtype: 'float32' }],
      attrs: { axes: [1], keepDims: false, correction: 1 },
      message: /axes \[1\] of x \[2, 1\] have 1 elements/,
    },
  ],
});

/** Mean squared distance from the mean over `axes`. `correction` is subtracted from the count: 0 unless given, 1 for the unbiased estimate. */
export function variance(
  x: Tensor,
  { correction = 0, ...options }: ReductionOptions & { correction?: number } = {},
): Tensor {
  return varianceOp.one([x], { ...reductionAttributes('variance', x, options), correction });
}

type CumSum = { axis: number; reverse: boolean; exclusive: boolean };

const cumSumOp = defineOp<CumSum>({
  name: 'cumSum',
  kind: 'reduce',
  infer: (inputs) => typeOf(numberInput('cumSum', inputs)),
  grad: ({ attrs, cotangent }: GradientContext<CumSum>) => [
    cumSumOf(cotangent(), { ...attrs, reverse: !attrs.reverse }),
  ],
  lower: (inputs, attrs) => doublingSum(at(inputs, 0), attrs),
  amp: 'f32',
  reference: (inputs, { axis, reverse, exclusive }) => {
    const { shape, dtype, data } = at(inputs, 0);
    const result = numericArray(dtype, data.length);
    const stride = at(stridesOf(shape), axis);
    const extent = at(shape, axis);
    for (let start = 0; start < data.length; start++) {
      if (Math.floor(start / stride) % extent !== 0) continue;
      let total = 0;
      for (let k = 0; k < extent; k++) {
        const i = start + (reverse ? extent - 1 - k : k) * stride;
        const next = total + (data[i] ?? 0);
        result[i] = exclusive ? total : next;
        total = next;
      }
    }
    return result;
  },
  samples: [
    { inputs: [{ shape: [3, 5] }], attrs: { axis: 1, reverse: false, exclusive: false } },
    { inputs: [{ shape: [4, 3] }], attrs: { axis: 0, reverse: true, exclusive: false } },
    { inputs: [{ shape: [2, 3, 2] }], attrs: { axis: 1, reverse: false, exclusive: true } },
    {
      inputs: [{ shape: [4], dtype: 'int32', values: [1, 2, 3, 4] }],
      attrs: { axis: 0, reverse: true, exclusive: true },
    },
  ],
  errors: [
    {
      inputs: [{ shape: [2], dtype: 'bool' }],
      attrs: { axis: 0, reverse: false, exclusive: false },
      message: /x must hold numbers/,
    },
  ],
});

/** Prefix sums by doubling: each round adds what lies 1, 2, 4, ... places before (Hillis and Steele 1986). */
function doublingSum(x: Tensor, { axis, reverse, exclusive }: CumSum): Tensor {
  const extent = x.dim(axis);
  const shifted = (y: Tensor, places: number) =>
    pad(slice(y, { starts: [0], ends: [extent - places], axes: [axis] }), {
      pads: y.shape.map((_, i) => [i === axis ? places : 0, 0]),
    });
  let total = reverse ? flip(x, [axis]) : x;
  if (exclusive && extent > 0) total = shifted(total, 1);
  for (let places = 1; places < extent; places *= 2) total = add(total, shifted(total, places));
  return reverse ? flip(total, [axis]) : total;
}

function cumSumOf(x: Tensor, attrs: CumSum): Tensor {
  return cumSumOp.one([x], attrs);
}

/** Running sum along `axis`, from the end when `reverse`, without the element itself when `exclusive`. */
export function cumSum(
  x: Tensor,
  { axis, reverse = false, exclusive = false }: { axis: number; reverse?: boolean; exclusive?: boolean },
): Tensor {
  return cumSumOf(x, { axis: normalizeAxis('cumSum', axis, x.rank), reverse, exclusive });
}
