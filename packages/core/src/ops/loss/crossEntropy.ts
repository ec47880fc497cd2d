/** Cross-entropy of logits against class numbers, with label smoothing and ignored samples. */

import { ShapeError } from '../../errors.ts';
import { at, defineOp } from '../../op.ts';
import { formatShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import {
  add,
  cast,
  div,
  full,
  gather,
  logSoftmax,
  mean,
  mul,
  neg,
  notEqual,
  reshape,
  sum,
  transpose,
  where,
} from '../index.ts';
import { floatOperand } from '../operands.ts';
import type { Reduction } from './reduction.ts';

type Attributes = {
  readonly labelSmoothing: number;
  readonly ignoreIndex: number;
  readonly reduction: Reduction;
};

export const crossEntropyOp = defineOp<Attributes>({
  name: 'crossEntropy',
  kind: 'composite',
  infer: (inputs, { reduction }) => {
    const logits = floatOperand('crossEntropy', inputs, 0, 'logits', 2, 'N, classes');
    const target = at(inputs, 1);
    if (target.dtype !== 'int32' || target.shape.length !== 1 || target.shape[0] !== logits.shape[0]) {
      throw new ShapeError(
        `crossEntropy: target must be int32 [${at(logits.shape, 0)}], one class a row of logits ${formatShape(logits.shape)}, but is ${target.dtype} ${formatShape(target.shape)}`,
      );
    }
    return { shape: reduction === 'none' ? target.shape : [], dtype: logits.dtype };
  },
  grad: 'lower',
  lower: (inputs, { labelSmoothing, ignoreIndex, reduction }) => {
    const [logits, target] = [at(inputs, 0), at(inputs, 1)];
    const counted = notEqual(target, full([], ignoreIndex, 'int32'));
    const known = where(counted, target, full([], 0, 'int32'));
    const logProbabilities = logSoftmax(logits, 1);
    const ofTarget = neg(reshape(gather(logProbabilities, reshape(known, [-1, 1]), 1), [-1]));
    const ofAll = neg(mean(logProbabilities, { axes: [1] }));
    const losses =
      labelSmoothing === 0 ? ofTarget : add(mul(ofTarget, 1 - labelSmoothing), mul(ofAll, labelSmoothing));
    const weights = cast(counted, logits.dtype);
    const kept = where(counted, losses, full([], 0, logits.dtype));
    if (reduction === 'none') return kept;
    return reduction === 'sum' ? sum(kept) : div(sum(kept), sum(weights));
  },
  amp: 'f32',
  samples: [
    {
      inputs: [{ shape: [3, 5] }, { shape: [3], dtype: 'int32', values: [2, 0, 4] }],
      attrs: { labelSmoothing: 0, ignoreIndex: -100, reduction: 'mean' },
    },
    {
      inputs: [{ shape: [4, 5] }, { shape: [4], dtype: 'int32', values: [2, 0, 4, 1] }],
      attrs: { labelSmoothing: 0.1, ignoreIndex: 0, reduction: 'mean' },
    },
    {
      inputs: [{ shape: [3, 5] }, { shape: [3], dtype: 'int32', values: [2, -100, 4] }],
      attrs: { labelSmoothing: 0.2, ignoreIndex: -100, reduction: 'none' },
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [3, 5], dtype: 'float32' },
        { shape: [4], dtype: 'int32' },
      ],
      attrs: { labelSmoothing: 0, ignoreIndex: -100, reduction: 'mean' },
      message:
        /crossEntropy: target must be int32 \[3\], one class a row of logits \[3, 5\], but is int32 \[4\]/,
    },
  ],
});

export interface CrossEntropyOptions {
  /** Share of the target spread evenly over all classes, 0 to 1; 0 unless given. */
  readonly labelSmoothing?: number;
  /** Class number of samples that do not count; -100 unless given. */
  readonly ignoreIndex?: number;
  /** `mean` (over the samples that count) unless given. */
  readonly reduction?: Reduction;
}

/**
 * Cross-entropy, as `torch.nn.functional.cross_entropy`: logits [N, C] or [N, C, ...], int32 targets [N] or [N, ...] in [0, C).
 * Scalar unless `reduction` is `none`, which keeps the target's shape.
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { labelSmoothing = 0, ignoreIndex = -100, reduction = 'mean' } = options;
  const attrs = { labelSmoothing, ignoreIndex, reduction };
  if (logits.rank <= 2) return crossEntropyOp.one([logits, target], attrs);
  const places = logits.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const rows = reshape(transpose(logits, [...places, 1]), [-1, logits.dim(1)]);
  const losses = crossEntropyOp.one([rows, reshape(target, [-1])], attrs);
  return reduction === 'none' ? reshape(losses, target.shape) : losses;
}
