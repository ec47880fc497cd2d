/**
 * ASGD, gradient descent with a falling rate and an average of the parameters (Polyak and Juditsky, 1992), as PyTorch computes it. The
 * averages are state beside the parameters (`optimizer.<name>.average`); the model itself goes on with the last values.
 */

import { add, div, equal, maximum, mul, pow, sub, type Tensor, where } from '@omma/core';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterRule,
  type UpdateInput,
  withDecay,
} from './optimizer.ts';

export interface ASGDOptions extends OptimizerOptions {
  /** Decay term; 1e-4 unless given. */
  readonly lambd?: number;
  /** Power of the falling rate; 0.75 unless given. */
  readonly alpha?: number;
  /** The step at which averaging starts; 1e6 unless given. */
  readonly t0?: number;
}

export class ASGD extends Optimizer {
  readonly #options: Required<Omit<ASGDOptions, keyof OptimizerOptions>>;
  #steps: { readonly now: Tensor; readonly first: Tensor; readonly share: Tensor } | null = null;

  constructor(options: ASGDOptions = {}, rule: ParameterRule = () => ({})) {
    super(options, rule, { shared: { steps: 0 }, moments: { average: 0 }, scalars: { eta: 0 } });
    const { lambd = 1e-4, alpha = 0.75, t0 = 1e6 } = options;
    this.#options = { lambd, alpha, t0 };
  }

  protected override begin(): void {
    const now = this.countStep();
    // The share that this step's parameters have in the average was settled a step ago.
    const share = div(1, maximum(sub(now, this.#options.t0 + 1), 1));
    this.#steps = { now, first: equal(now, 1), share };
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#steps === null) throw new Error('ASGD: update outside of a step');
    const { lambd, alpha } = this.#options;
    const { now, first, share } = this.#steps;
    const { value, lr } = input;
    const variable = this.scalar(input, 'eta');
    const eta = where(first, lr, variable.read());
    const next = sub(mul(value, sub(1, mul(eta, lambd))), mul(withDecay(input), eta));
    const average = this.moment(input, 'average');
    this.keep(average, add(average.read(), mul(sub(next, average.read()), share)));
    this.keep(variable, div(lr, pow(add(mul(mul(lr, lambd), now), 1), alpha)));
    return next;
  }
}
