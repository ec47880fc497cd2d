/** RMSprop, centred or not, with optional momentum, as PyTorch computes it. */

import { add, div, mul, sqrt, square, sub, type Tensor } from '@omma/core';
import type { Parameter } from '../parameter.ts';
import { Optimizer, type ParameterRule, type UpdateInput, withDecay } from './optimizer.ts';

export interface RMSpropOptions {
  readonly alpha?: number;
  readonly eps?: number;
  readonly weightDecay?: number;
  readonly momentum?: number;
  readonly centered?: boolean;
}

export class RMSprop extends Optimizer {
  readonly #options: Required<RMSpropOptions>;

  constructor(options: RMSpropOptions = {}, rule?: ParameterRule) {
    super(rule);
    const { alpha = 0.99, eps = 1e-8, weightDecay = 0, momentum = 0, centered = false } = options;
    this.#options = { alpha, eps, weightDecay, momentum, centered };
  }

  override prepare(parameters: readonly (readonly [string, Parameter])[]): void {
    const { momentum, centered } = this.#options;
    for (const [name, { shape }] of parameters) {
      this.state(`${name}.square`, shape);
      if (centered) this.state(`${name}.mean`, shape);
      if (momentum > 0) this.state(`${name}.momentum`, shape);
    }
  }

  protected override update(input: UpdateInput): Tensor {
    const { weightDecay, momentum, eps, centered } = this.#options;
    const { name, value, lr } = input;
    const gradient = withDecay(input, weightDecay);
    const meanSquare = this.#average(`${name}.square`, square(gradient));
    const spread = centered ? sub(meanSquare, square(this.#average(`${name}.mean`, gradient))) : meanSquare;
    const direction = div(gradient, add(sqrt(spread), eps));
    if (momentum === 0) return sub(value, mul(direction, lr));
    const buffer = this.state(`${name}.momentum`, value.shape);
    const moved = this.keep(buffer, add(mul(buffer.read(), momentum), direction));
    return sub(value, mul(moved, lr));
  }

  /** The running average called `name`, moved towards `next`. */
  #average(name: string, next: Tensor): Tensor {
    const { alpha } = this.#options;
    const average = this.state(name, next.shape);
    const moved = add(mul(average.read(), alpha), mul(next, 1 - alpha));
    this.keep(average, moved);
    return moved;
  }
}
