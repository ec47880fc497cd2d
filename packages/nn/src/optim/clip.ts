/** Gradient clipping by the norm of all gradients together. */

import { add, div, minimum, mul, sqrt, square, sum, type Tensor } from '@omma/core';

/** The L2 norm of all gradients together: a float32 scalar. */
export function gradNorm(gradients: readonly Tensor[]): Tensor {
  const [first, ...rest] = gradients.map((gradient) => sum(square(gradient)));
  if (first === undefined) throw new Error('gradNorm: no gradients');
  return sqrt(rest.reduce((total, part) => add(total, part), first));
}

/** Scales all gradients by min(1, maxNorm / (norm + 1e-6)), as PyTorch does; also gives the norm before. */
export function clipGradNorm(
  gradients: readonly Tensor[],
  maxNorm: number,
): { gradients: Tensor[]; norm: Tensor } {
  const norm = gradNorm(gradients);
  const factor = minimum(div(maxNorm, add(norm, 1e-6)), 1);
  return { gradients: gradients.map((gradient) => mul(gradient, factor)), norm };
}
