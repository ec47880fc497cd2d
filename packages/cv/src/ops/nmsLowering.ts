/**
 * Non-maximum suppression in ops of core, with static shapes: the matrix of overlaps of the boxes in order of score, and then as many
 * rounds as there are boxes. After round k it is settled what becomes of the first k + 1 boxes, because a box is dropped by better ones
 * alone. For devices without a kernel, on a few hundred boxes: the work grows with their cube.
 */

import {
  add,
  cast,
  cumSum,
  div,
  equal,
  expand,
  greater,
  indexSelect,
  iota,
  less,
  logicalAnd,
  matmul,
  maximum,
  minimum,
  mul,
  OmmaError,
  reshape,
  slice,
  sort,
  sub,
  sum,
  type Tensor,
  where,
} from '@omma/core';

/** Above this the rounds would make a graph of thousands of nodes. */
const mostBoxes = 512;

/** boxes [N, 4], scores [N] -> kept indices int32 [maxOutputs], -1 after the last, and their count. */
export function lowerNms(
  boxes: Tensor,
  scores: Tensor,
  { iouThreshold, maxOutputs }: { readonly iouThreshold: number; readonly maxOutputs: number },
): Tensor[] {
  const n = boxes.dim(0);
  if (n > mostBoxes) {
    throw new OmmaError(
      `nms: this device has no kernel for it, and it is lowered for up to ${mostBoxes} boxes but there are ${n}; keep fewer, or suppress on cpu`,
    );
  }
  const order = sort(scores, { axis: 0, descending: true }).indices;
  const suppresses = overlapping(cast(indexSelect(boxes, order, 0), 'float32'), iouThreshold);
  const all = cast(equal(iota([1, n], 1), iota([1, n], 1)), 'float32');
  let kept = all;
  for (let round = 1; round < n; round++) kept = where(greater(matmul(kept, suppresses), 0.5), 0, all);
  // Each place takes the kept box whose turn it is: a sum with one term, or with none.
  const turns = cumSum(kept, { axis: 1 });
  const places = iota([maxOutputs, 1], 0, 'float32');
  const chosen = logicalAnd(equal(turns, add(places, 1)), greater(kept, 0.5));
  const numbered = add(cast(reshape(order, [1, n]), 'float32'), 1);
  const taken = sum(where(chosen, expand(numbered, [maxOutputs, n]), 0), { axes: [1] });
  const indices = cast(sub(taken, 1), 'int32');
  const count = minimum(cast(sum(kept), 'int32'), maxOutputs);
  return [indices, reshape(count, [])];
}

/** [N, N]: 1 where box i, the better one, overlaps box j by more than the threshold. Boxes without area overlap nothing. */
function overlapping(boxes: Tensor, iouThreshold: number): Tensor {
  const n = boxes.dim(0);
  const corner = (i: number) => slice(boxes, { starts: [i], ends: [i + 1], axes: [1] });
  const across = (column: Tensor) => reshape(column, [1, n]);
  const side = (low: number, high: number) => {
    const [from, to] = [corner(low), corner(high)];
    return maximum(sub(minimum(to, across(to)), maximum(from, across(from))), 0);
  };
  const shared = mul(side(0, 2), side(1, 3));
  const area = mul(sub(corner(2), corner(0)), sub(corner(3), corner(1)));
  const union = sub(add(area, across(area)), shared);
  const overlaps = greater(div(shared, union), iouThreshold);
  const better = less(iota([n, n], 0), iota([n, n], 1));
  return cast(logicalAnd(overlaps, better), 'float32');
}
