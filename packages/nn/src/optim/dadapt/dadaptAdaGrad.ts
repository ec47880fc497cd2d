/** DAdaptAdaGrad: Adagrad, with momentum as an average of iterates, that finds its learning rate (see dadaptation.ts). */

import { abs, add, div, equal, mul, sqrt, square, sub, sum, type Tensor, where } from '@omma/core';
import { type ParameterRule, type UpdateInput, withDecay } from '../optimizer.ts';
import { averaged, DAdaptation, type DAdaptationOptions, total } from './dadaptation.ts';

export interface DAdaptAdaGradOptions extends DAdaptationOptions {
  readonly momentum?: number;
  readonly eps?: number;
}

interface Step {
  readonly first: Tensor;
  readonly lr: Tensor;
  /** lr times the bound. */
  readonly rate: Tensor;
  /** What each parameter gives to the estimate. */
  readonly gradientSquares: Tensor[];
  readonly sumSquares: Tensor[];
  readonly norms: Tensor[];
}

export class DAdaptAdaGrad extends DAdaptation {
  readonly #momentum: number;
  readonly #eps: number;
  #step: Step | null = null;

  constructor(options: DAdaptAdaGradOptions = {}, rule: ParameterRule = () => ({})) {
    super(options, rule, {
      shared: { steps: 0, gradientSquares: 0 },
      moments: { squares: 1e-6, sum: 0, start: 0 },
    });
    this.#momentum = options.momentum ?? 0;
    this.#eps = options.eps ?? 1e-6;
  }

  protected override get initialMomentum(): number | null {
    return this.#momentum === 0 ? null : this.#momentum;
  }

  protected override begin(_gradients: readonly Tensor[], lr: Tensor): void {
    const first = equal(this.countStep(), 1);
    const rate = mul(this.bound(), lr);
    this.#step = { first, lr, rate, gradientSquares: [], sumSquares: [], norms: [] };
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#step === null) throw new Error('DAdaptAdaGrad: update outside of a step');
    const { first, rate, gradientSquares, sumSquares, norms } = this.#step;
    const { lrMult = 1 } = input.options;
    const gradient = withDecay(input);
    const squared = square(gradient);
    const squares = this.moment(input, 'squares');
    const spread = add(sqrt(this.keep(squares, add(squares.read(), squared))), this.#eps);
    gradientSquares.push(sum(div(squared, spread)));
    const variable = this.moment(input, 'sum');
    const moved = this.keep(variable, add(variable.read(), mul(gradient, mul(rate, lrMult))));
    sumSquares.push(sum(div(square(moved), spread)));
    norms.push(sum(abs(moved)));
    const beginning = this.moment(input, 'start');
    const start = this.keep(beginning, where(first, input.value, beginning.read()));
    const next = sub(start, div(moved, spread));
    return averaged(input.value, next, this.#momentum === 0 ? 0 : this.momentum(this.#momentum));
  }

  protected override end(): void {
    if (this.#step === null) throw new Error('DAdaptAdaGrad: end outside of a step');
    const { lr, rate, gradientSquares, sumSquares, norms } = this.#step;
    const variable = this.shared('gradientSquares');
    const weighted = mul(square(rate), total(gradientSquares));
    const before = this.keep(variable, add(variable.read(), weighted));
    const norm = total(norms);
    this.grow(div(sub(total(sumSquares), before), norm), norm, lr);
  }
}
