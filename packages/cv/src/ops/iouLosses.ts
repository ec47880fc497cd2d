/** Losses on boxes, pair by pair: generalised, distance and complete IoU, with torchvision's definitions and eps. */

import {
  add,
  at,
  atan,
  defineOp,
  div,
  floatOperand,
  formatShape,
  full,
  greater,
  logicalAnd,
  maximum,
  mean,
  minimum,
  mul,
  type Reduction,
  ShapeError,
  sameDType,
  sameShape,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  type TensorType,
  where,
} from '@omma/core';
import { areaOf, type Coordinates, coordinates, hullOf } from './boxes.ts';

type Attributes = { readonly eps: number; readonly reduction: Reduction };

export interface BoxLossOptions {
  /** Added to denominators; 1e-7 unless given. */
  readonly eps?: number;
  /** `none` unless given. */
  readonly reduction?: Reduction;
}

interface Overlap {
  readonly a: Coordinates;
  readonly b: Coordinates;
  readonly iou: Tensor;
  readonly union: Tensor;
}

function overlapOf(boxes: Tensor, targets: Tensor, eps: number): Overlap {
  const [a, b] = [coordinates(boxes, [-1]), coordinates(targets, [-1])];
  const [left, right] = [maximum(a.x1, b.x1), minimum(a.x2, b.x2)];
  const [top, bottom] = [maximum(a.y1, b.y1), minimum(a.y2, b.y2)];
  const touching = logicalAnd(greater(bottom, top), greater(right, left));
  const intersection = where(touching, mul(sub(right, left), sub(bottom, top)), full([], 0, boxes.dtype));
  const union = sub(add(areaOf(a), areaOf(b)), intersection);
  return { a, b, iou: div(intersection, add(union, eps)), union };
}

function generalized(boxes: Tensor, targets: Tensor, eps: number): Tensor {
  const { a, b, iou, union } = overlapOf(boxes, targets, eps);
  const hull = areaOf(hullOf(a, b));
  return sub(1, sub(iou, div(sub(hull, union), add(hull, eps))));
}

function distanceOf({ a, b, iou }: Overlap, eps: number): Tensor {
  const hull = hullOf(a, b);
  const diagonal = add(add(square(sub(hull.x2, hull.x1)), square(sub(hull.y2, hull.y1))), eps);
  const between = (one: 'x1' | 'y1', other: 'x2' | 'y2') =>
    square(div(sub(add(a[one], a[other]), add(b[one], b[other])), 2));
  return add(sub(1, iou), div(add(between('x1', 'x2'), between('y1', 'y2')), diagonal));
}

function complete(boxes: Tensor, targets: Tensor, eps: number): Tensor {
  const overlap = overlapOf(boxes, targets, eps);
  const angle = ({ x1, y1, x2, y2 }: Coordinates) => atan(div(sub(x2, x1), sub(y2, y1)));
  const shape = mul(square(sub(angle(overlap.b), angle(overlap.a))), 4 / Math.PI ** 2);
  const weight = stopGradient(div(shape, add(add(sub(1, overlap.iou), shape), eps)));
  return add(distanceOf(overlap, eps), mul(weight, shape));
}

function pairType(op: string, inputs: readonly TensorType[], { reduction }: Attributes): TensorType {
  const boxes = floatOperand(op, inputs, 0, 'boxes', 2, 'N, 4');
  const targets = floatOperand(op, inputs, 1, 'targets', 2, 'N, 4');
  if (at(boxes.shape, 1) !== 4 || !sameShape(boxes.shape, targets.shape)) {
    throw new ShapeError(
      `${op}: boxes and targets must both be [N, 4] but are ${formatShape(boxes.shape)} and ${formatShape(targets.shape)}`,
    );
  }
  return {
    shape: reduction === 'none' ? [at(boxes.shape, 0)] : [],
    dtype: sameDType(op, { boxes, targets }),
  };
}

function defineBoxLoss(
  name: string,
  formula: (boxes: Tensor, targets: Tensor, eps: number) => Tensor,
  skipGradient?: string,
) {
  const inputs = [
    { shape: [3, 4], values: [0.5, 0.2, 4.1, 3.7, 2.2, 1.3, 6.4, 5.9, 7.1, 7.2, 9.3, 8.8] },
    { shape: [3, 4], values: [1.1, 0.9, 3.2, 4.6, 5.3, 4.4, 8.7, 7.9, 1.2, 1.3, 4.4, 2.8] },
  ];
  const skip = skipGradient === undefined ? {} : { skipGradient };
  return defineOp<Attributes>({
    name,
    kind: 'composite',
    infer: (types, attrs) => pairType(name, types, attrs),
    grad: 'lower',
    lower: (tensors, { eps, reduction }) => {
      const losses = formula(at(tensors, 0), at(tensors, 1), eps);
      return reduction === 'none' ? losses : reduction === 'mean' ? mean(losses) : sum(losses);
    },
    amp: 'f32',
    samples: [
      { inputs, attrs: { eps: 1e-7, reduction: 'none' }, ...skip },
      { inputs, attrs: { eps: 1e-7, reduction: 'mean' }, ...skip },
    ],
    errors: [
      {
        inputs: [
          { shape: [3, 4], dtype: 'float32' },
          { shape: [2, 4], dtype: 'float32' },
        ],
        attrs: { eps: 1e-7, reduction: 'none' },
        message: new RegExp(
          `${name}: boxes and targets must both be \\[N, 4\\] but are \\[3, 4\\] and \\[2, 4\\]`,
        ),
      },
    ],
  });
}

const generalizedOp = defineBoxLoss('generalizedBoxIouLoss', generalized);
const distanceOp = defineBoxLoss('distanceBoxIouLoss', (boxes, targets, eps) =>
  distanceOf(overlapOf(boxes, targets, eps), eps),
);
const completeOp = defineBoxLoss(
  'completeBoxIouLoss',
  complete,
  'the weight of the shape term is held constant, by definition',
);

/** 1 - generalised IoU of boxes [N, 4] with targets [N, 4]: [N], or a scalar. As `torchvision.ops.generalized_box_iou_loss`. */
export function generalizedBoxIouLoss(
  boxes: Tensor,
  targets: Tensor,
  { eps = 1e-7, reduction = 'none' }: BoxLossOptions = {},
): Tensor {
  return generalizedOp.one([boxes, targets], { eps, reduction });
}

/** 1 - IoU + squared distance of the centres over the squared diagonal. As `torchvision.ops.distance_box_iou_loss`. */
export function distanceBoxIouLoss(
  boxes: Tensor,
  targets: Tensor,
  { eps = 1e-7, reduction = 'none' }: BoxLossOptions = {},
): Tensor {
  return distanceOp.one([boxes, targets], { eps, reduction });
}

/** The distance loss plus a term for the aspect ratio. As `torchvision.ops.complete_box_iou_loss`. */
export function completeBoxIouLoss(
  boxes: Tensor,
  targets: Tensor,
  { eps = 1e-7, reduction = 'none' }: BoxLossOptions = {},
): Tensor {
  return completeOp.one([boxes, targets], { eps, reduction });
}
