/**
 * D-Adaptation (Defazio and Mishchenko, Learning-rate-free learning by D-adaptation, 2023), as the dadaptation package computes it: `lr` is 1, and what it is
 * multiplied by is a lower bound, found while training, of the distance between the start and the solution. What its optimisers share: the bound and its growth.
 *
 * A parameter's `lrMult` is its share in the bound and its step (`layer_scale` in that package).
 */

import { add, greater, logicalAnd, maximum, minimum, mul, type Tensor, where } from '@omma/core';
import {
  type Hyperparameter,
  Optimizer,
  type OptimizerOptions,
  oneMinus,
  type ParameterRule,
  type StateLayout,
} from '../optimizer.ts';

export interface DAdaptationOptions extends OptimizerOptions {
  /** The bound to begin with; 1e-6 unless given. */
  readonly d0?: number;
  /** The bound grows by this factor at most in a step; without limit unless given. */
  readonly growthRate?: number;
}

export abstract class DAdaptation extends Optimizer {
  readonly #growthRate: number;

  constructor(options: DAdaptationOptions, rule: ParameterRule, { shared = {}, ...layout }: StateLayout) {
    super(options, rule, { ...layout, shared: { d: options.d0 ?? 1e-6, ...shared } });
    this.#growthRate = options.growthRate ?? Number.POSITIVE_INFINITY;
  }

  /** The bound that this step goes by. Before `grow`. */
  protected bound(): Tensor {
    return this.shared('d').read();
  }

  /** Raises the bound for the next step to `estimate`, where `lr` and `divisor`, which the estimate was divided by, are above 0. */
  protected grow(estimate: Tensor, divisor: Tensor, lr: Tensor): void {
    const before = this.bound();
    const capped = Number.isFinite(this.#growthRate)
      ? minimum(estimate, mul(before, this.#growthRate))
      : estimate;
    const known = logicalAnd(greater(divisor, 0), greater(lr, 0));
    this.keep(this.shared('d'), maximum(before, where(known, capped, 0)));
  }
}

/** The sum of scalars. */
export function total(parts: readonly Tensor[]): Tensor {
  const [head, ...rest] = parts;
  if (head === undefined) throw new Error('total: no parts');
  return rest.reduce((sum, part) => add(sum, part), head);
}

/** Momentum as an average of iterates: what follows `value` when plain descent would go to `next`. */
export function averaged(value: Tensor, next: Tensor, momentum: Hyperparameter): Tensor {
  return momentum === 0 ? next : add(mul(value, momentum), mul(next, oneMinus(momentum)));
}
