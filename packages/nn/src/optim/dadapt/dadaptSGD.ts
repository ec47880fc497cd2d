/** DAdaptSGD: gradient descent, with momentum as an average of iterates, that finds its learning rate (see dadaptation.ts). */

import { add, div, equal, mul, sqrt, square, sub, sum, type Tensor, where } from '@omma/core';
import { gradNorm } from '../clip.ts';
import { type ParameterRule, type UpdateInput, withDecay } from '../optimizer.ts';
import { averaged, DAdaptation, type DAdaptationOptions, total } from './dadaptation.ts';

export interface DAdaptSGDOptions extends DAdaptationOptions {
  readonly momentum?: number;
}

interface Step {
  readonly first: Tensor;
  readonly lr: Tensor;
  /** lr times the bound, over the norm of the first gradients. */
  readonly rate: Tensor;
  /** What each parameter gives to the estimate. */
  readonly numerators: Tensor[];
  readonly squares: Tensor[];
}

export class DAdaptSGD extends DAdaptation {
  readonly #momentum: number;
  #step: Step | null = null;

  constructor(options: DAdaptSGDOptions = {}, rule: ParameterRule = () => ({})) {
    super(options, rule, {
      shared: { steps: 0, numerator: 0, firstNorm: 0 },
      moments: { sum: 0, start: 0 },
    });
    this.#momentum = options.momentum ?? 0;
  }

  protected override get initialMomentum(): number | null {
    return this.#momentum === 0 ? null : this.#momentum;
  }

  protected override begin(gradients: readonly Tensor[], lr: Tensor): void {
    const first = equal(this.countStep(), 1);
    const variable = this.shared('firstNorm');
    const firstNorm = this.keep(variable, where(first, gradNorm(gradients), variable.read()));
    const rate = div(mul(this.bound(), lr), firstNorm);
    this.#step = { first, lr, rate, numerators: [], squares: [] };
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#step === null) throw new Error('DAdaptSGD: update outside of a step');
    const { first, rate, numerators, squares } = this.#step;
    const { value, options } = input;
    const { lrMult = 1 } = options;
    const gradient = withDecay(input);
    const variable = this.moment(input, 'sum');
    const before = variable.read();
    numerators.push(mul(mul(sum(mul(gradient, before)), rate), lrMult));
    const moved = this.keep(variable, add(before, mul(gradient, mul(rate, lrMult))));
    squares.push(sum(square(moved)));
    const beginning = this.moment(input, 'start');
    const start = this.keep(beginning, where(first, value, beginning.read()));
    return averaged(value, sub(start, moved), this.#momentum === 0 ? 0 : this.momentum(this.#momentum));
  }

  protected override end(): void {
    if (this.#step === null) throw new Error('DAdaptSGD: end outside of a step');
    const { lr, numerators, squares } = this.#step;
    const variable = this.shared('numerator');
    const numerator = this.keep(variable, add(variable.read(), total(numerators)));
    const length = sqrt(total(squares));
    this.grow(div(mul(numerator, 2), length), length, lr);
  }
}
