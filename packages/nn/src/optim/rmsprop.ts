/** RMSprop, centred or not, with optional momentum, as PyTorch computes it. */

import { add, div, mul, sqrt, square, sub, type Tensor } from '@omma/core';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterRule,
  type UpdateInput,
  withDecay,
} from './optimizer.ts';

export interface RMSpropOptions extends OptimizerOptions {
  readonly alpha?: number;
  readonly eps?: number;
  readonly momentum?: number;
  readonly centered?: boolean;
}

export class RMSprop extends Optimizer {
  readonly #options: Required<Omit<RMSpropOptions, keyof OptimizerOptions>>;

  constructor(options: RMSpropOptions = {}, rule: ParameterRule = () => ({})) {
    const { alpha = 0.99, eps = 1e-8, momentum = 0, centered = false } = options;
    super(options, rule, {
      moments: { square: 0, ...(centered ? { mean: 0 } : {}), ...(momentum > 0 ? { momentum: 0 } : {}) },
    });
    this.#options = { alpha, eps, momentum, centered };
  }

  protected override get initialMomentum(): number | null {
    const { momentum } = this.#options;
    return momentum === 0 ? null : momentum;
  }

  protected override update(input: UpdateInput): Tensor {
    const { alpha, momentum, eps, centered } = this.#options;
    const { value, lr } = input;
    const gradient = withDecay(input);
    const meanSquare = this.average(input, 'square', alpha, square(gradient));
    const spread = centered
      ? sub(meanSquare, square(this.average(input, 'mean', alpha, gradient)))
      : meanSquare;
    const direction = div(gradient, add(sqrt(spread), eps));
    if (momentum === 0) return sub(value, mul(direction, lr));
    const buffer = this.moment(input, 'momentum');
    const moved = this.keep(buffer, add(mul(buffer.read(), this.momentum(momentum)), direction));
    return sub(value, mul(moved, lr));
  }
}
