/** Gradient clipping, by the norm of all gradients together or element by element, as PyTorch does it. */

import {
  abs,
  add,
  clamp,
  div,
  max,
  maximum,
  minimum,
  mul,
  pow,
  sqrt,
  square,
  sum,
  type Tensor,
} from '@omma/core';

/** The norm of all gradients together: a float32 scalar. `type` is the p of the norm: 2 unless given; Infinity is the largest magnitude. */
export function gradNorm(gradients: readonly Tensor[], type = 2): Tensor {
  const [first, ...rest] = gradients.map((gradient) => part(gradient, type));
  if (first === undefined) throw new Error('gradNorm: no gradients');
  const join = type === Number.POSITIVE_INFINITY ? maximum : add;
  const total = rest.reduce((before, next) => join(before, next), first);
  if (type === 2) return sqrt(total);
  return type === 1 || type === Number.POSITIVE_INFINITY ? total : pow(total, 1 / type);
}

/** What one gradient gives to the norm of all. */
function part(gradient: Tensor, type: number): Tensor {
  if (type === 2) return sum(square(gradient));
  if (type === Number.POSITIVE_INFINITY) return max(abs(gradient));
  return sum(type === 1 ? abs(gradient) : pow(abs(gradient), type));
}

/** Scales all gradients by min(1, maxNorm / (norm + 1e-6)); also gives the norm before. */
export function clipGradNorm(
  gradients: readonly Tensor[],
  maxNorm: number,
  type = 2,
): { gradients: Tensor[]; norm: Tensor } {
  const norm = gradNorm(gradients, type);
  const factor = minimum(div(maxNorm, add(norm, 1e-6)), 1);
  return { gradients: gradients.map((gradient) => mul(gradient, factor)), norm };
}

/** Brings every element into [-limit, limit]. */
export function clipGradValue(gradients: readonly Tensor[], limit: number): Tensor[] {
  return gradients.map((gradient) => clamp(gradient, { min: -limit, max: limit }));
}
