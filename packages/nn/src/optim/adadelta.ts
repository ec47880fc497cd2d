/** Adadelta (Zeiler, 2012), as PyTorch computes it. */

import { add, div, mul, sqrt, square, sub, type Tensor } from '@omma/core';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterRule,
  type UpdateInput,
  withDecay,
} from './optimizer.ts';

export interface AdadeltaOptions extends OptimizerOptions {
  /** Decay of both running averages; 0.9 unless given. */
  readonly rho?: number;
  readonly eps?: number;
}

export class Adadelta extends Optimizer {
  readonly #rho: number;
  readonly #eps: number;

  constructor(options: AdadeltaOptions = {}, rule: ParameterRule = () => ({})) {
    super(options, rule, { moments: { square: 0, delta: 0 } });
    this.#rho = options.rho ?? 0.9;
    this.#eps = options.eps ?? 1e-6;
  }

  protected override update(input: UpdateInput): Tensor {
    const gradient = withDecay(input);
    const spread = sqrt(add(this.average(input, 'square', this.#rho, square(gradient)), this.#eps));
    const before = sqrt(add(this.moment(input, 'delta').read(), this.#eps));
    const delta = mul(div(before, spread), gradient);
    this.average(input, 'delta', this.#rho, square(delta));
    return sub(input.value, mul(delta, input.lr));
  }
}
