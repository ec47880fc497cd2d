/**
 * Non-maximum suppression in ops of core, with static shapes, for devices without a kernel: the matrix of overlaps of the boxes in order of score, settled a
 * block of boxes after the other. What better blocks kept drops boxes of a block by one product; inside of it there are as many rounds as boxes, because
 * after round k it is settled what becomes of its first k + 1, a box being dropped by better ones alone. The graph grows with the number of boxes, the work with its
 * square.
 */

import {
  add,
  cast,
  concat,
  cumSum,
  div,
  equal,
  expand,
  full,
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

/** Above this the rounds would make a graph of more nodes than compilers are used to: three a box. */
const mostBoxes = 2048;
/** Boxes in a block: each round multiplies by the overlaps inside of one. */
const blockSize = 64;

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
  const kept = settled(suppresses);
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

/** [1, N]: 1 for the boxes, in order of score, that are kept. */
function settled(suppresses: Tensor): Tensor {
  const n = suppresses.dim(0);
  const blocks: Tensor[] = [];
  for (let start = 0; start < n; start += blockSize) {
    const end = Math.min(n, start + blockSize);
    const part = (from: number, to: number) =>
      slice(suppresses, { starts: [from, start], ends: [to, end], axes: [0, 1] });
    const all = full([1, end - start], 1);
    const dropped = (by: Tensor, overlaps: Tensor, others: Tensor) =>
      where(greater(matmul(by, overlaps), 0.5), 0, others);
    const open = start === 0 ? all : dropped(concat(blocks, 1), part(0, start), all);
    const within = part(start, end);
    let kept = open;
    for (let round = 1; round < end - start; round++) kept = dropped(kept, within, open);
    blocks.push(kept);
  }
  return concat(blocks, 1);
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
