/** Sigmoid focal loss (Lin et al., RetinaNet), as `torchvision.ops.sigmoid_focal_loss`. */

import {
  add,
  at,
  bceWithLogits,
  defineOp,
  floatOperand,
  formatShape,
  mean,
  mul,
  powScalar,
  type Reduction,
  ShapeError,
  sameDType,
  sameShape,
  sigmoid,
  sub,
  sum,
  type Tensor,
} from '@omma/core';

type Attributes = { readonly alpha: number; readonly gamma: number; readonly reduction: Reduction };

const sigmoidFocalLossOp = defineOp<Attributes>({
  name: 'sigmoidFocalLoss',
  kind: 'composite',
  infer: (inputs, { reduction }) => {
    const x = floatOperand('sigmoidFocalLoss', inputs, 0, 'x');
    const target = floatOperand('sigmoidFocalLoss', inputs, 1, 'target');
    if (!sameShape(x.shape, target.shape)) {
      throw new ShapeError(
        `sigmoidFocalLoss: x and target must have the same shape but are ${formatShape(x.shape)} and ${formatShape(target.shape)}`,
      );
    }
    return {
      shape: reduction === 'none' ? x.shape : [],
      dtype: sameDType('sigmoidFocalLoss', { x, target }),
    };
  },
  grad: 'lower',
  lower: (inputs, { alpha, gamma, reduction }) => {
    const [x, target] = [at(inputs, 0), at(inputs, 1)];
    const probability = sigmoid(x);
    const negative = sub(1, target);
    const missed = add(mul(sub(1, probability), target), mul(probability, negative));
    const focal = mul(bceWithLogits(x, target, { reduction: 'none' }), powScalar(missed, gamma));
    const losses = alpha < 0 ? focal : mul(focal, add(mul(target, alpha), mul(negative, 1 - alpha)));
    return reduction === 'none' ? losses : reduction === 'mean' ? mean(losses) : sum(losses);
  },
  amp: 'f32',
  samples: [
    {
      inputs: [
        { shape: [3, 4], low: -3, high: 3 },
        { shape: [3, 4], values: [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0] },
      ],
      attrs: { alpha: 0.25, gamma: 2, reduction: 'none' },
    },
    {
      inputs: [
        { shape: [2, 3], low: -3, high: 3 },
        { shape: [2, 3], values: [0, 1, 0, 1, 0, 0] },
      ],
      attrs: { alpha: -1, gamma: 1.5, reduction: 'mean' },
      note: 'without alpha',
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [3, 4], dtype: 'float32' },
        { shape: [3], dtype: 'float32' },
      ],
      attrs: { alpha: 0.25, gamma: 2, reduction: 'none' },
      message: /sigmoidFocalLoss: x and target must have the same shape but are \[3, 4\] and \[3\]/,
    },
  ],
});

export interface FocalLossOptions {
  /** Weight of the positives, 0 to 1; negative for none; 0.25 unless given. */
  readonly alpha?: number;
  /** How strongly easy examples are weighed down; 2 unless given. */
  readonly gamma?: number;
  /** `none` unless given. */
  readonly reduction?: Reduction;
}

/** Focal loss of logits x against targets 0 or 1 (float, same shape). */
export function sigmoidFocalLoss(x: Tensor, target: Tensor, options: FocalLossOptions = {}): Tensor {
  const { alpha = 0.25, gamma = 2, reduction = 'none' } = options;
  return sigmoidFocalLossOp.one([x, target], { alpha, gamma, reduction });
}
