/** Overlap of boxes (x1, y1, x2, y2), all against all, in plain elementwise ops. As `torchvision.ops.box_iou`. */

import {
  add,
  at,
  clamp,
  defineOp,
  div,
  floatOperand,
  formatShape,
  maximum,
  minimum,
  mul,
  reshape,
  ShapeError,
  sameDType,
  slice,
  sub,
  type Tensor,
  type TensorType,
} from '@omma/core';

/** The four coordinates of boxes [N, 4], each reshaped to `shape`. */
export function coordinates(
  boxes: Tensor,
  shape: readonly number[],
): { x1: Tensor; y1: Tensor; x2: Tensor; y2: Tensor } {
  const column = (i: number) => reshape(slice(boxes, { starts: [0, i], ends: [boxes.dim(0), i + 1] }), shape);
  return { x1: column(0), y1: column(1), x2: column(2), y2: column(3) };
}

export type Coordinates = ReturnType<typeof coordinates>;

export function areaOf({ x1, y1, x2, y2 }: Coordinates): Tensor {
  return mul(sub(x2, x1), sub(y2, y1));
}

/** The smallest box around both. */
export function hullOf(a: Coordinates, b: Coordinates): Coordinates {
  return {
    x1: minimum(a.x1, b.x1),
    y1: minimum(a.y1, b.y1),
    x2: maximum(a.x2, b.x2),
    y2: maximum(a.y2, b.y2),
  };
}

function allPairs(
  a: Tensor,
  b: Tensor,
): { first: Coordinates; second: Coordinates; intersection: Tensor; union: Tensor } {
  const [first, second] = [coordinates(a, [-1, 1]), coordinates(b, [1, -1])];
  const width = clamp(sub(minimum(first.x2, second.x2), maximum(first.x1, second.x1)), { min: 0 });
  const height = clamp(sub(minimum(first.y2, second.y2), maximum(first.y1, second.y1)), { min: 0 });
  const intersection = mul(width, height);
  return { first, second, intersection, union: sub(add(areaOf(first), areaOf(second)), intersection) };
}

function pairwiseType(op: string, inputs: readonly TensorType[]): TensorType {
  const a = floatOperand(op, inputs, 0, 'a', 2, 'N, 4');
  const b = floatOperand(op, inputs, 1, 'b', 2, 'M, 4');
  if (at(a.shape, 1) !== 4 || at(b.shape, 1) !== 4) {
    throw new ShapeError(
      `${op}: boxes must have four columns (x1, y1, x2, y2) but have shapes ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  }
  return { shape: [at(a.shape, 0), at(b.shape, 0)], dtype: sameDType(op, { a, b }) };
}

/** Two boxes of the first set overlap boxes of the second, one does not. */
const sampleBoxes = [
  { shape: [3, 4], values: [0.5, 0.2, 4.1, 3.7, 2.2, 1.3, 6.4, 5.9, 7.1, 7.2, 9.3, 8.8] },
  { shape: [2, 4], values: [1.1, 0.9, 3.2, 4.6, 5.3, 4.4, 8.7, 7.9] },
];

function definePairwise(name: string, formula: (a: Tensor, b: Tensor) => Tensor) {
  return defineOp<Readonly<Record<string, never>>>({
    name,
    kind: 'composite',
    infer: (inputs) => pairwiseType(name, inputs),
    grad: 'lower',
    lower: (inputs) => formula(at(inputs, 0), at(inputs, 1)),
    amp: 'f32',
    samples: [{ inputs: sampleBoxes, attrs: {} }],
    errors: [
      {
        inputs: [
          { shape: [3, 4], dtype: 'float32' },
          { shape: [2, 5], dtype: 'float32' },
        ],
        attrs: {},
        message: new RegExp(
          `${name}: boxes must have four columns \\(x1, y1, x2, y2\\) but have shapes \\[3, 4\\] and \\[2, 5\\]`,
        ),
      },
    ],
  });
}

const boxIouOp = definePairwise('boxIou', (a, b) => {
  const { intersection, union } = allPairs(a, b);
  return div(intersection, union);
});

const generalizedBoxIouOp = definePairwise('generalizedBoxIou', (a, b) => {
  const { first, second, intersection, union } = allPairs(a, b);
  const hull = areaOf(hullOf(first, second));
  return sub(div(intersection, union), div(sub(hull, union), hull));
});

/** Intersection over union of every box of a [N, 4] with every box of b [M, 4], as [N, M]. */
export function boxIou(a: Tensor, b: Tensor): Tensor {
  return boxIouOp.one([a, b], {});
}

/** Generalised IoU (Rezatofighi et al.) of every box of a [N, 4] with every box of b [M, 4], as [N, M]; in [-1, 1]. */
export function generalizedBoxIou(a: Tensor, b: Tensor): Tensor {
  return generalizedBoxIouOp.one([a, b], {});
}
