/** Rprop, which goes by the signs of gradients alone (Riedmiller and Braun, 1993), as PyTorch computes it. For whole-set batches. */

import { clamp, equal, greater, less, mul, OmmaError, sign, sub, type Tensor, where } from '@omma/core';
import { Optimizer, type OptimizerOptions, type ParameterRule, type UpdateInput } from './optimizer.ts';

export interface RpropOptions extends Omit<OptimizerOptions, 'weightDecay'> {
  /** What a step is multiplied by when the gradient changes its sign, and when it keeps it; 0.5 and 1.2 unless given. */
  readonly etas?: readonly [number, number];
  /** The smallest and the largest step; 1e-6 and 50 unless given. */
  readonly stepSizes?: readonly [number, number];
}

export class Rprop extends Optimizer {
  readonly #etas: readonly [number, number];
  readonly #stepSizes: readonly [number, number];
  #first: Tensor | null = null;

  constructor(options: RpropOptions = {}, rule: ParameterRule = () => ({})) {
    super(options, rule, { shared: { steps: 0 }, moments: { previous: 0, step: 0 } });
    this.#etas = options.etas ?? [0.5, 1.2];
    this.#stepSizes = options.stepSizes ?? [1e-6, 50];
    if (this.#etas[0] >= 1 || this.#etas[1] <= 1)
      throw new OmmaError(`Rprop: etas must be below and above 1 but are ${this.#etas.join(' and ')}`);
  }

  protected override begin(): void {
    this.#first = equal(this.countStep(), 1);
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#first === null) throw new Error('Rprop: update outside of a step');
    const { gradient, value, lr } = input;
    const [minus, plus] = this.#etas;
    const [min, max] = this.#stepSizes;
    const previous = this.moment(input, 'previous');
    const steps = this.moment(input, 'step');
    const agreement = mul(gradient, previous.read());
    const turned = less(agreement, 0);
    const factor = where(greater(agreement, 0), plus, where(turned, minus, mul(agreement, 0).add(1)));
    // The first step is as long as the learning rate; from then on the steps live their own life.
    const before = where(this.#first, lr, steps.read());
    const step = this.keep(steps, clamp(mul(before, factor), { min, max }));
    const followed = this.keep(previous, where(turned, 0, gradient));
    return sub(value, mul(sign(followed), step));
  }
}
