/** Stochastic gradient descent with momentum, dampening and Nesterov's variant, as PyTorch computes it. */

import { add, equal, mul, OmmaError, sub, type Tensor, where } from '@omma/core';
import {
  type Hyperparameter,
  Optimizer,
  type OptimizerOptions,
  type ParameterRule,
  type UpdateInput,
  withDecay,
} from './optimizer.ts';

export interface SGDOptions extends OptimizerOptions {
  readonly momentum?: number;
  readonly dampening?: number;
  readonly nesterov?: boolean;
}

export class SGD extends Optimizer {
  readonly #momentum: number;
  readonly #dampening: number;
  readonly #nesterov: boolean;
  /** Share of the gradient that enters the momentum: 1 in the first step, then 1 - dampening. */
  #share: Hyperparameter = 1;

  constructor(options: SGDOptions = {}, rule: ParameterRule = () => ({})) {
    const { momentum = 0, dampening = 0, nesterov = false } = options;
    super(options, rule, {
      shared: momentum !== 0 && dampening !== 0 ? { steps: 0 } : {},
      moments: momentum === 0 ? {} : { momentum: 0 },
    });
    if (nesterov && (momentum <= 0 || dampening !== 0)) {
      throw new OmmaError(
        `${this.constructor.name}: nesterov needs momentum above 0 and dampening 0 but they are ${momentum} and ${dampening}`,
      );
    }
    this.#momentum = momentum;
    this.#dampening = dampening;
    this.#nesterov = nesterov;
  }

  protected override get initialMomentum(): number | null {
    return this.#momentum === 0 ? null : this.#momentum;
  }

  protected override begin(): void {
    if (this.#momentum === 0 || this.#dampening === 0) return;
    this.#share = where(equal(this.countStep(), 1), 1, 1 - this.#dampening);
  }

  protected override update(input: UpdateInput): Tensor {
    return sub(input.value, mul(this.direction(input, withDecay(input)), input.lr));
  }

  /** `gradient` with momentum. */
  protected direction(input: UpdateInput, gradient: Tensor): Tensor {
    if (this.#momentum === 0) return gradient;
    const momentum = this.momentum(this.#momentum);
    const buffer = this.moment(input, 'momentum');
    const incoming = this.#share === 1 ? gradient : mul(gradient, this.#share);
    const moved = this.keep(buffer, add(mul(buffer.read(), momentum), incoming));
    return this.#nesterov ? add(gradient, mul(moved, momentum)) : moved;
  }
}
