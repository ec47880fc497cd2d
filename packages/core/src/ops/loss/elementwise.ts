/** Losses that compare two tensors element by element. */

import { ShapeError } from '../../errors.ts';
import type { Attributes, TensorType } from '../../graph/graph.ts';
import { at, defineOp, type ErrorSample, type Sample } from '../../op.ts';
import { formatShape, sameShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { abs, div, less, mul, softplus, square, sub, where } from '../index.ts';
import { floatOperand, sameDType } from '../operands.ts';
import { type Reduction, type ReductionChoice, reduced } from './reduction.ts';

type LossAttributes = { readonly reduction: Reduction };

/** A loss from its formula an element. */
function defineLoss<A extends LossAttributes & Attributes>(
  name: string,
  formula: (x: Tensor, target: Tensor, attrs: A) => Tensor,
  samples: readonly A[],
  target: { low: number; high: number },
) {
  return defineOp<A>({
    name,
    kind: 'composite',
    infer: (inputs, { reduction }) => {
      const { shape, dtype } = pairOf(name, inputs);
      return { shape: reduction === 'none' ? shape : [], dtype };
    },
    grad: 'lower',
    lower: (inputs, attrs) => reduced(formula(at(inputs, 0), at(inputs, 1), attrs), attrs.reduction),
    amp: 'f32',
    samples: samples.map(
      (attrs): Sample<A> => ({ inputs: [{ shape: [3, 5] }, { shape: [3, 5], ...target }], attrs }),
    ),
    errors: samples.slice(0, 1).map(
      (attrs): ErrorSample<A> => ({
        inputs: [
          { shape: [3, 5], dtype: 'float32' },
          { shape: [5, 3], dtype: 'float32' },
        ],
        attrs,
        message: new RegExp(
          `${name}: x and target must have the same shape but are \\[3, 5\\] and \\[5, 3\\]`,
        ),
      }),
    ),
  });
}

export const bceWithLogitsOp = defineLoss<LossAttributes>(
  'bceWithLogits',
  (x, target) => sub(softplus(x), mul(x, target)),
  [{ reduction: 'mean' }, { reduction: 'none' }],
  { low: 0, high: 1 },
);

export const smoothL1Op = defineLoss<LossAttributes & { readonly beta: number }>(
  'smoothL1',
  (x, target, { beta }) => {
    const distance = abs(sub(x, target));
    if (beta === 0) return distance;
    return where(less(distance, beta), div(square(distance), 2 * beta), sub(distance, beta / 2));
  },
  [
    { beta: 0.3, reduction: 'mean' },
    { beta: 1, reduction: 'sum' },
  ],
  { low: -1, high: 1 },
);

export const mseOp = defineLoss<LossAttributes>(
  'mse',
  (x, target) => square(sub(x, target)),
  [{ reduction: 'mean' }, { reduction: 'sum' }],
  { low: -1, high: 1 },
);

export const l1Op = defineLoss<LossAttributes>(
  'l1',
  (x, target) => abs(sub(x, target)),
  [{ reduction: 'mean' }, { reduction: 'none' }],
  { low: -1, high: 1 },
);

/** Binary cross-entropy of logits against probabilities, as `torch.nn.functional.binary_cross_entropy_with_logits`. */
export function bceWithLogits(
  x: Tensor,
  target: Tensor,
  { reduction = 'mean' }: ReductionChoice = {},
): Tensor {
  return bceWithLogitsOp.one([x, target], { reduction });
}

/** Squared below a distance of `beta` (1 unless given), linear above, as `torch.nn.functional.smooth_l1_loss`. */
export function smoothL1(
  x: Tensor,
  target: Tensor,
  { beta = 1, reduction = 'mean' }: ReductionChoice & { beta?: number } = {},
): Tensor {
  return smoothL1Op.one([x, target], { beta, reduction });
}

/** Squared difference, as `torch.nn.functional.mse_loss`. */
export function mse(x: Tensor, target: Tensor, { reduction = 'mean' }: ReductionChoice = {}): Tensor {
  return mseOp.one([x, target], { reduction });
}

/** Absolute difference, as `torch.nn.functional.l1_loss`. */
export function l1(x: Tensor, target: Tensor, { reduction = 'mean' }: ReductionChoice = {}): Tensor {
  return l1Op.one([x, target], { reduction });
}

function pairOf(op: string, inputs: readonly TensorType[]): TensorType {
  const x = floatOperand(op, inputs, 0, 'x');
  const target = floatOperand(op, inputs, 1, 'target');
  if (!sameShape(x.shape, target.shape)) {
    throw new ShapeError(
      `${op}: x and target must have the same shape but are ${formatShape(x.shape)} and ${formatShape(target.shape)}`,
    );
  }
  return { shape: x.shape, dtype: sameDType(op, { x, target }) };
}
