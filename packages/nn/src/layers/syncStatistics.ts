/**
 * Mean and variance over the samples of all ranks of a data parallel run: what batch norm normalises with after `convertSyncBatchNorm`.
 *
 * The statistics of each rank are summed in one collective, a row a rank, and put together by the formula of Chan, Golub and LeVeque, in which nothing
 * cancels. The backward pass has one collective too: the gradient of the sum.
 */

import {
  add,
  allReduce,
  cast,
  concat,
  mean,
  reshape,
  split,
  square,
  sub,
  type Tensor,
  zeros,
} from '@omma/core';

/** Which process of a data parallel run this is. */
export interface Ranks {
  readonly rank: number;
  readonly size: number;
}

/** Of each channel (axis 1) of `x`, float32 [C]; the variance is biased. Every rank must have as many elements a channel. */
export function syncStatistics(x: Tensor, { rank, size }: Ranks): { mean: Tensor; variance: Tensor } {
  const channels = x.dim(1);
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const wide = cast(x, 'float32');
  const own = mean(wide, { axes, keepDims: true });
  const row = concat([reshape(own, [1, -1]), reshape(mean(square(sub(wide, own)), { axes }), [1, -1])], 1);
  const before = rank === 0 ? [] : [zeros([rank, 2 * channels])];
  const after = rank === size - 1 ? [] : [zeros([size - 1 - rank, 2 * channels])];
  const rows = allReduce(concat([...before, row, ...after], 0), size);
  const [means, variances] = split(rows, [channels, channels], 1);
  if (means === undefined || variances === undefined) throw new Error('split gives as many as sizes');
  const average = mean(means, { axes: [0] });
  return { mean: average, variance: mean(add(variances, square(sub(means, average))), { axes: [0] }) };
}
