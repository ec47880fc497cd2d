/** Adamax, Adam with the infinity norm (Kingma and Ba, 2015), as PyTorch computes it. */

import { abs, add, div, maximum, mul, sub, type Tensor } from '@omma/core';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterRule,
  type UpdateInput,
  withDecay,
} from './optimizer.ts';

export interface AdamaxOptions extends OptimizerOptions {
  readonly betas?: readonly [number, number];
  readonly eps?: number;
}

export class Adamax extends Optimizer {
  readonly #betas: readonly [number, number];
  readonly #eps: number;
  #correction: Tensor | null = null;

  constructor(options: AdamaxOptions = {}, rule: ParameterRule = () => ({})) {
    super(options, rule, { shared: { correction: 0 }, moments: { mean: 0, norm: 0 } });
    this.#betas = options.betas ?? [0.9, 0.999];
    this.#eps = options.eps ?? 1e-8;
  }

  protected override get initialMomentum(): number {
    return this.#betas[0];
  }

  protected override begin(): void {
    this.#correction = this.correction('correction', this.momentum(this.#betas[0]));
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#correction === null) throw new Error('Adamax: update outside of a step');
    const [beta1, beta2] = this.#betas;
    const gradient = withDecay(input);
    const mean = this.average(input, 'mean', this.momentum(beta1), gradient);
    const variable = this.moment(input, 'norm');
    const norm = this.keep(variable, maximum(mul(variable.read(), beta2), add(abs(gradient), this.#eps)));
    return sub(input.value, mul(div(mean, norm), div(input.lr, this.#correction)));
  }
}
