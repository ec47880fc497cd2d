/**
 * Non-maximum suppression. Shapes are static, so the kept indices fill a fixed number of places; the rest are -1, and a count tells
 * how many there are.
 */

import {
  add,
  at,
  cast,
  defineOp,
  floatOperand,
  formatShape,
  max,
  mul,
  noGrad,
  reshape,
  ShapeError,
  type Tensor,
} from '@omma/core';
import { lowerNms } from './nmsLowering.ts';

type Attributes = { readonly iouThreshold: number; readonly maxOutputs: number };

export const nmsOp = defineOp<Attributes>({
  name: 'nms',
  kind: 'index',
  infer: (inputs, { iouThreshold, maxOutputs }) => {
    const boxes = floatOperand('nms', inputs, 0, 'boxes', 2, 'N, 4');
    const scores = floatOperand('nms', inputs, 1, 'scores', 1, 'N');
    if (boxes.shape[1] !== 4 || boxes.shape[0] !== scores.shape[0]) {
      throw new ShapeError(
        `nms: expects boxes [N, 4] and scores [N] but has ${formatShape(boxes.shape)} and ${formatShape(scores.shape)}`,
      );
    }
    if (!(iouThreshold >= 0 && iouThreshold <= 1))
      throw new ShapeError(`nms: iouThreshold must lie in [0, 1] but is ${iouThreshold}`);
    return [
      { shape: [maxOutputs], dtype: 'int32' },
      { shape: [], dtype: 'int32' },
    ];
  },
  grad: noGrad('its outputs are integers'),
  amp: 'f32',
  lower: (inputs, attrs) => lowerNms(at(inputs, 0), at(inputs, 1), attrs),
  reference: (inputs, { iouThreshold, maxOutputs }) => {
    const [boxes, scores] = [at(inputs, 0).data, at(inputs, 1).data];
    const order = Array.from(scores, (_, i) => i).sort(
      (a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b,
    );
    const kept: number[] = [];
    for (const candidate of order) {
      if (kept.length === maxOutputs) break;
      if (!kept.some((other) => overlap(boxes, other, candidate) > iouThreshold)) kept.push(candidate);
    }
    const indices = new Int32Array(maxOutputs).fill(-1);
    indices.set(kept);
    return [indices, new Int32Array([kept.length])];
  },
  samples: [
    {
      inputs: [
        { shape: [5, 4], values: [0, 0, 4, 4, 1, 1, 5, 5, 6, 6, 9, 9, 0, 0, 4, 5, 6, 6, 9, 8] },
        { shape: [5], values: [0.9, 0.8, 0.7, 0.95, 0.6] },
      ],
      attrs: { iouThreshold: 0.3, maxOutputs: 5 },
    },
    {
      inputs: [
        { shape: [3, 4], values: [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5] },
        { shape: [3], values: [0.1, 0.3, 0.2] },
      ],
      attrs: { iouThreshold: 0.5, maxOutputs: 2 },
      note: 'more boxes than places',
    },
    {
      inputs: [
        { shape: [4, 4], values: [2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 3, 3, 1, 1, 3, 3] },
        { shape: [4], values: [0.9, 0.8, 0.7, 0.6] },
      ],
      attrs: { iouThreshold: 0.5, maxOutputs: 4 },
      note: 'boxes without area',
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [5, 4], dtype: 'float32' },
        { shape: [4], dtype: 'float32' },
      ],
      attrs: { iouThreshold: 0.3, maxOutputs: 5 },
      message: /nms: expects boxes \[N, 4\] and scores \[N\] but has \[5, 4\] and \[4\]/,
    },
    {
      inputs: [
        { shape: [5, 4], dtype: 'float32' },
        { shape: [5], dtype: 'float32' },
      ],
      attrs: { iouThreshold: 1.3, maxOutputs: 5 },
      message: /nms: iouThreshold must lie in \[0, 1\] but is 1.3/,
    },
  ],
});

export interface NmsOptions {
  /** A box is dropped when it overlaps a kept one by more than this, 0 to 1. */
  readonly iouThreshold: number;
  /** Places for kept indices; the number of boxes unless given. */
  readonly maxOutputs?: number;
}

/** Kept indices, int32 [maxOutputs], best score first, -1 after the last; and how many, int32 []. */
export interface NmsResult {
  readonly indices: Tensor;
  readonly count: Tensor;
}

/** Greedy suppression of boxes [N, 4] (x1, y1, x2, y2) by scores [N], as `torchvision.ops.nms`. */
export function nms(
  boxes: Tensor,
  scores: Tensor,
  { iouThreshold, maxOutputs = boxes.dim(0) }: NmsOptions,
): NmsResult {
  const outputs = nmsOp.all([boxes, scores], { iouThreshold, maxOutputs });
  return { indices: at(outputs, 0), count: at(outputs, 1) };
}

/**
 * `nms` among the boxes of equal `ids` (int32 [N]: classes or levels), as `torchvision.ops.batched_nms`: boxes of different ids are
 * moved so far apart that they cannot overlap.
 */
export function batchedNms(boxes: Tensor, scores: Tensor, ids: Tensor, options: NmsOptions): NmsResult {
  const distance = add(max(boxes), 1);
  const shifts = mul(cast(ids, boxes.dtype), distance);
  return nms(add(boxes, reshape(shifts, [-1, 1])), scores, options);
}

/** Intersection over union of two rows of `boxes`; not a number for two without area, which suppress nothing, as in torchvision. */
function overlap(boxes: ArrayLike<number>, a: number, b: number): number {
  const corner = (box: number, i: number) => boxes[box * 4 + i] ?? 0;
  const side = (i: number) =>
    Math.max(Math.min(corner(a, i + 2), corner(b, i + 2)) - Math.max(corner(a, i), corner(b, i)), 0);
  const area = (box: number) => (corner(box, 2) - corner(box, 0)) * (corner(box, 3) - corner(box, 1));
  const intersection = side(0) * side(1);
  return intersection / (area(a) + area(b) - intersection);
}
