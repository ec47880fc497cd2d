/** Activations with parameters, clamp, and the cast between dtypes: elementwise ops of one input with attributes. */

import { type DType, isFloat } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { at, defineOp, type GradientContext } from '../../op.ts';
import type { Tensor } from '../../tensor.ts';
import { mapElements } from '../broadcast.ts';
import { anyInput, floatInput, numberInput } from '../check.ts';
import { clip, erf as erfOf } from '../math.ts';
import { type JsonNumber, toJsonNumber } from '../source.ts';
import { tanh } from './activation.ts';
import { add, maximum, minimum, mul, sub } from './arithmetic.ts';
import { greater, greaterEqual, lessEqual } from './compare.ts';
import { typeOf } from './define.ts';
import { erf, exp, square } from './exponential.ts';
import { logicalAnd } from './logic.ts';
import { where } from './where.ts';

const refusesIntegers = <A>(attrs: A) => [
  { inputs: [{ shape: [2], dtype: 'int32' as const }], attrs, message: /x must be float but is int32\[2\]/ },
];
const sample = { shape: [3, 5], low: -2, high: 2 };

type Slope = { slope: number };

const leakyReluOp = defineOp<Slope>({
  name: 'leakyRelu',
  kind: 'elementwise',
  infer: (inputs) => typeOf(floatInput('leakyRelu', inputs)),
  grad: ({ inputs, attrs: { slope }, cotangent }: GradientContext<Slope>) => {
    const dy = cotangent();
    return [where(greater(at(inputs, 0), 0), dy, mul(dy, slope))];
  },
  lower: (inputs, { slope }) => where(greater(at(inputs, 0), 0), at(inputs, 0), mul(at(inputs, 0), slope)),
  amp: 'follow',
  reference: (inputs, { slope }, outputs) => mapElements((x) => (x > 0 ? x : x * slope))(inputs, {}, outputs),
  samples: [
    { inputs: [sample], attrs: { slope: 0.1 } },
    { inputs: [{ shape: [2, 9], dtype: 'bfloat16' }], attrs: { slope: 0.01 }, note: '16-bit' },
  ],
  errors: refusesIntegers({ slope: 0.1 }),
});

/** x where positive, `slope` * x elsewhere. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  return leakyReluOp.one([x], { slope });
}

type Alpha = { alpha: number };

const eluOp = defineOp<Alpha>({
  name: 'elu',
  kind: 'elementwise',
  infer: (inputs) => typeOf(floatInput('elu', inputs)),
  grad: ({ inputs, attrs: { alpha }, cotangent }: GradientContext<Alpha>) => {
    const x = at(inputs, 0);
    const dy = cotangent();
    return [where(greater(x, 0), dy, mul(dy, mul(exp(minimum(x, 0)), alpha)))];
  },
  lower: (inputs, { alpha }) => {
    const x = at(inputs, 0);
    return where(greater(x, 0), x, mul(sub(exp(minimum(x, 0)), 1), alpha));
  },
  amp: 'f32',
  reference: (inputs, { alpha }, outputs) =>
    mapElements((x) => (x > 0 ? x : alpha * Math.expm1(x)))(inputs, {}, outputs),
  samples: [
    { inputs: [sample], attrs: { alpha: 1 } },
    { inputs: [sample], attrs: { alpha: 0.5 } },
  ],
  errors: refusesIntegers({ alpha: 1 }),
});

/** x where positive, `alpha` * (exp(x) - 1) elsewhere. */
export function elu(x: Tensor, alpha = 1): Tensor {
  return eluOp.one([x], { alpha });
}

type Gelu = { approximate: 'none' | 'tanh' };

/** The two constants of the tanh approximation (Hendrycks and Gimpel 2016). */
const geluScale = Math.sqrt(2 / Math.PI);
const geluCubic = 0.044715;

function geluOf(x: number): number {
  return 0.5 * x * (1 + erfOf(x / Math.SQRT2));
}

function geluTanhOf(x: number): number {
  return 0.5 * x * (1 + Math.tanh(geluScale * (x + geluCubic * x ** 3)));
}

/** The inner tanh of the approximation. */
function geluTanh(x: Tensor): Tensor {
  return tanh(mul(mul(x, add(mul(square(x), geluCubic), 1)), geluScale));
}

function geluGrad(x: Tensor, { approximate }: Gelu): Tensor {
  if (approximate === 'none') {
    const cumulative = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
    const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return add(cumulative, mul(x, density));
  }
  const t = geluTanh(x);
  const slope = mul(add(mul(square(x), 3 * geluCubic), 1), geluScale);
  return add(mul(add(t, 1), 0.5), mul(mul(mul(x, 0.5), sub(1, square(t))), slope));
}

const geluOp = defineOp<Gelu>({
  name: 'gelu',
  kind: 'elementwise',
  infer: (inputs) => typeOf(floatInput('gelu', inputs)),
  grad: ({ inputs, attrs, cotangent }: GradientContext<Gelu>) => [
    mul(cotangent(), geluGrad(at(inputs, 0), attrs)),
  ],
  lower: (inputs, { approximate }) => {
    const x = at(inputs, 0);
    return mul(mul(x, 0.5), add(approximate === 'none' ? erf(mul(x, Math.SQRT1_2)) : geluTanh(x), 1));
  },
  amp: 'follow',
  reference: (inputs, { approximate }, outputs) =>
    mapElements(approximate === 'none' ? geluOf : geluTanhOf)(inputs, {}, outputs),
  samples: [
    { inputs: [sample], attrs: { approximate: 'none' } },
    { inputs: [sample], attrs: { approximate: 'tanh' } },
    { inputs: [{ ...sample, dtype: 'bfloat16' }], attrs: { approximate: 'none' }, note: '16-bit' },
  ],
  errors: refusesIntegers({ approximate: 'none' as const }),
});

/** x times the normal distribution's cumulative function at x; `tanh` selects the usual approximation. */
export function gelu(x: Tensor, { approximate = 'none' }: { approximate?: 'none' | 'tanh' } = {}): Tensor {
  return geluOp.one([x], { approximate });
}

type Limits = { min: JsonNumber; max: JsonNumber };

const clampOp = defineOp<Limits>({
  name: 'clamp',
  kind: 'elementwise',
  infer: (inputs, { min, max }) => {
    if (!(Number(min) <= Number(max)))
      throw new ShapeError(`clamp: min must not be above max but min is ${min} and max ${max}`);
    return typeOf(numberInput('clamp', inputs));
  },
  grad: ({ inputs, attrs: { min, max }, cotangent }: GradientContext<Limits>) => {
    const x = at(inputs, 0);
    return [where(logicalAnd(greaterEqual(x, Number(min)), lessEqual(x, Number(max))), cotangent(), 0)];
  },
  lower: (inputs, { min, max }) => {
    const x = at(inputs, 0);
    const raised = min === '-Infinity' ? x : maximum(x, Number(min));
    return max === 'Infinity' ? raised : minimum(raised, Number(max));
  },
  amp: 'follow',
  reference: (inputs, { min, max }, outputs) =>
    mapElements((x) => clip(x, Number(min), Number(max)))(inputs, {}, outputs),
  samples: [
    { inputs: [sample], attrs: { min: -0.5, max: 1 } },
    { inputs: [sample], attrs: { min: 0.25, max: 'Infinity' }, note: 'from below only' },
    {
      inputs: [{ shape: [3], dtype: 'int32', values: [-5, 0, 5] }],
      attrs: { min: -1, max: 2 },
      note: 'integers',
    },
  ],
  errors: [
    { inputs: [{ shape: [2], dtype: 'float32' }], attrs: { min: 1, max: 0 }, message: /min is 1 and max 0/ },
  ],
});

/** x brought into [min, max]; a limit that is not given does not limit. */
export function clamp(
  x: Tensor,
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: { min?: number; max?: number },
): Tensor {
  return clampOp.one([x], { min: toJsonNumber(min), max: toJsonNumber(max) });
}

type Cast = { dtype: DType };

const castOp = defineOp<Cast>({
  name: 'cast',
  kind: 'elementwise',
  infer: (inputs, { dtype }) => ({ shape: anyInput('cast', inputs).shape, dtype }),
  grad: ({ inputs, cotangent }: GradientContext<Cast>) => {
    const { dtype } = at(inputs, 0);
    return [isFloat(dtype) ? cast(cotangent(), dtype) : null];
  },
  amp: 'follow',
  reference: (inputs, { dtype }, outputs) => {
    const convert =
      dtype === 'bool' ? (x: number) => (x !== 0 ? 1 : 0) : isFloat(dtype) ? (x: number) => x : Math.trunc;
    return mapElements(convert)(inputs, {}, outputs);
  },
  samples: [
    { inputs: [{ shape: [3, 5] }], attrs: { dtype: 'bfloat16' }, skipGradient: 'rounding makes steps' },
    { inputs: [{ shape: [3, 5] }], attrs: { dtype: 'float16' }, skipGradient: 'rounding makes steps' },
    { inputs: [{ shape: [2, 9], dtype: 'bfloat16' }], attrs: { dtype: 'float32' } },
    { inputs: [{ shape: [4], values: [-1.7, -0.2, 0, 2.9] }], attrs: { dtype: 'int32' } },
    { inputs: [{ shape: [4], values: [-1.7, -0.2, 0, 2.9] }], attrs: { dtype: 'bool' } },
    { inputs: [{ shape: [3], dtype: 'uint8', values: [0, 7, 255] }], attrs: { dtype: 'float32' } },
    { inputs: [{ shape: [3], dtype: 'bool', values: [0, 1, 1] }], attrs: { dtype: 'float32' } },
    { inputs: [{ shape: [3], dtype: 'int32', values: [0, 7, -1] }], attrs: { dtype: 'float32' } },
  ],
  errors: [],
});

/**
 * The same numbers in another dtype. Floats become integers by dropping the fraction (outside the integer's range the result is
 * undefined) and bool by comparing with 0. A cast to the same dtype is the tensor itself.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : castOp.one([x], { dtype });
}

/** `x` in `dtype`, whatever mixed precision makes of what comes before: a cast that stays even if `x` has the dtype now. */
export function pin(x: Tensor, dtype: DType): Tensor {
  return castOp.one([x], { dtype });
}
