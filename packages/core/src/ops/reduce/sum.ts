/** Sums and means over axes. */

import { at, defineOp, type GradientContext } from '../../op.ts';
import { type Shape, sameShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { floatInput, numberInput } from '../check.ts';
import { mul } from '../elementwise/arithmetic.ts';
import { expand, reshape } from '../view/reshape.ts';
import {
  foldGroups,
  type Reduction,
  type ReductionOptions,
  reducedType,
  reductionAttributes,
  withReducedAxes,
} from './define.ts';

export const reductionSamples = [
  { inputs: [{ shape: [2, 3, 4] }], attrs: { axes: [1], keepDims: false } },
  { inputs: [{ shape: [2, 3, 4] }], attrs: { axes: [0, 2], keepDims: true }, note: 'two axes, kept' },
  { inputs: [{ shape: [2, 3, 4] }], attrs: { axes: [0, 1, 2], keepDims: false }, note: 'to a scalar' },
  { inputs: [{ shape: [] }], attrs: { axes: [], keepDims: false }, note: 'a scalar' },
  {
    inputs: [{ shape: [3, 33], dtype: 'bfloat16' as const }],
    attrs: { axes: [1], keepDims: false },
    note: '16-bit',
  },
];

export const refusesBool = [
  {
    inputs: [{ shape: [2], dtype: 'bool' as const }],
    attrs: { axes: [0], keepDims: false },
    message: /x must (hold numbers|be float) but is bool\[2\]/,
  },
];

/** The gradient of a reduction, spread over what was reduced. */
function spreadBack({ inputs, attrs, cotangent }: GradientContext<Reduction>): Tensor {
  const { shape } = at(inputs, 0);
  return expand(withReducedAxes(cotangent(), shape, attrs), shape);
}

const sumOp = defineOp<Reduction>({
  name: 'sum',
  kind: 'reduce',
  infer: (inputs, attrs) => reducedType(numberInput('sum', inputs), attrs),
  grad: (context: GradientContext<Reduction>) => [spreadBack(context)],
  amp: 'f32',
  reference: foldGroups(0, (total, x) => total + x),
  samples: reductionSamples,
  errors: refusesBool,
});

/** Sum over `axes` (all unless given). */
export function sum(x: Tensor, options: ReductionOptions = {}): Tensor {
  return sumOp.one([x], reductionAttributes('sum', x, options));
}

/** How many elements each group has. */
function groupSize(x: { shape: Shape }, { axes }: Reduction): number {
  return sizeOf(axes.map((axis) => at(x.shape, axis)));
}

const meanOp = defineOp<Reduction>({
  name: 'mean',
  kind: 'reduce',
  infer: (inputs, attrs) => reducedType(floatInput('mean', inputs), attrs),
  grad: (context: GradientContext<Reduction>) => [
    mul(spreadBack(context), 1 / groupSize(at(context.inputs, 0), context.attrs)),
  ],
  lower: (inputs, attrs) => mul(sumOp.one(inputs, attrs), 1 / groupSize(at(inputs, 0), attrs)),
  amp: 'f32',
  reference: foldGroups(
    0,
    (total, x) => total + x,
    (total, size) => total / size,
  ),
  samples: reductionSamples,
  errors: refusesBool,
});

/** Mean over `axes` (all unless given). */
export function mean(x: Tensor, options: ReductionOptions = {}): Tensor {
  return meanOp.one([x], reductionAttributes('mean', x, options));
}

/** Sums away the axes along which `shape` was broadcast to `x`'s: the reverse of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const offset = x.rank - shape.length;
  const axes: number[] = [];
  x.shape.forEach((extent, axis) => {
    if (axis < offset || (shape[axis - offset] === 1 && extent !== 1)) axes.push(axis);
  });
  return reshape(sum(x, { axes }), shape);
}
