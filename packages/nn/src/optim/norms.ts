/** Norms for optimisers that scale a step layer by layer. */

import { greater, logicalAnd, sqrt, square, sum, type Tensor, where } from '@omma/core';

/** The L2 norm of all elements: a float32 scalar. */
export function norm(x: Tensor): Tensor {
  return sqrt(sum(square(x)));
}

/** `ratio`, or 1 where one of the two norms it was made of is 0. */
export function trusted(ratio: Tensor, a: Tensor, b: Tensor): Tensor {
  return where(logicalAnd(greater(a, 0), greater(b, 0)), ratio, 1);
}
