/** Adagrad (Duchi, Hazan and Singer, 2011), as PyTorch computes it. */

import { add, div, mul, sqrt, square, sub, type Tensor } from '@omma/core';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterRule,
  type UpdateInput,
  withDecay,
} from './optimizer.ts';

export interface AdagradOptions extends OptimizerOptions {
  /** The rate of step t is lr / (1 + (t - 1) * lrDecay); 0 unless given. */
  readonly lrDecay?: number;
  /** What the sums of squares start from; 0 unless given. */
  readonly initialAccumulatorValue?: number;
  readonly eps?: number;
}

export class Adagrad extends Optimizer {
  readonly #lrDecay: number;
  readonly #eps: number;
  #slowdown: Tensor | null = null;

  constructor(options: AdagradOptions = {}, rule: ParameterRule = () => ({})) {
    const { lrDecay = 0, initialAccumulatorValue = 0, eps = 1e-10 } = options;
    super(options, rule, {
      shared: lrDecay === 0 ? {} : { steps: 0 },
      moments: { squares: initialAccumulatorValue },
    });
    this.#lrDecay = lrDecay;
    this.#eps = eps;
  }

  protected override begin(): void {
    if (this.#lrDecay === 0) return;
    this.#slowdown = add(mul(sub(this.countStep(), 1), this.#lrDecay), 1);
  }

  protected override update(input: UpdateInput): Tensor {
    const gradient = withDecay(input);
    const squares = this.moment(input, 'squares');
    const sum = this.keep(squares, add(squares.read(), square(gradient)));
    const rate = this.#slowdown === null ? input.lr : div(input.lr, this.#slowdown);
    return sub(input.value, mul(div(gradient, add(sqrt(sum), this.#eps)), rate));
  }
}
