/** Stochastic gradient descent with momentum, dampening and Nesterov's variant, as PyTorch computes it. */

import { add, equal, mul, OmmaError, sub, type Tensor, type Variable, where } from '@omma/core';
import type { Parameter } from '../parameter.ts';
import { Optimizer, type ParameterRule, type UpdateInput, withDecay } from './optimizer.ts';

export interface SGDOptions {
  readonly momentum?: number;
  readonly dampening?: number;
  readonly weightDecay?: number;
  readonly nesterov?: boolean;
}

export class SGD extends Optimizer {
  readonly #options: Required<SGDOptions>;
  /** Share of the gradient that enters the momentum: 1 in the first step, then 1 - dampening. */
  #share: Tensor | number = 1;

  constructor(options: SGDOptions = {}, rule?: ParameterRule) {
    super(rule);
    const { momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
    if (nesterov && (momentum <= 0 || dampening !== 0)) {
      throw new OmmaError(
        `SGD: nesterov needs momentum above 0 and dampening 0 but they are ${momentum} and ${dampening}`,
      );
    }
    this.#options = { momentum, dampening, weightDecay, nesterov };
  }

  override prepare(parameters: readonly (readonly [string, Parameter])[]): void {
    if (this.#options.momentum === 0) return;
    if (this.#options.dampening !== 0) this.#steps();
    for (const [name, parameter] of parameters) this.#momentum(name, parameter.shape);
  }

  protected override begin(): void {
    const { momentum, dampening } = this.#options;
    if (momentum === 0 || dampening === 0) return;
    const before = this.#steps().read();
    this.#share = where(equal(before, 0), 1, 1 - dampening);
    this.keep(this.#steps(), add(before, 1));
  }

  protected override update(input: UpdateInput): Tensor {
    const { momentum, weightDecay, nesterov } = this.#options;
    const gradient = withDecay(input, weightDecay);
    if (momentum === 0) return sub(input.value, mul(gradient, input.lr));
    const buffer = this.#momentum(input.name, input.value.shape);
    const incoming = this.#share === 1 ? gradient : mul(gradient, this.#share);
    const moved = this.keep(buffer, add(mul(buffer.read(), momentum), incoming));
    const direction = nesterov ? add(gradient, mul(moved, momentum)) : moved;
    return sub(input.value, mul(direction, input.lr));
  }

  #momentum(name: string, shape: readonly number[]): Variable {
    return this.state(`${name}.momentum`, shape);
  }

  #steps(): Variable {
    return this.state('steps', []);
  }
}
