/** NAdam, Adam with Nesterov's momentum (Dozat, 2016), as PyTorch computes it. */

import { add, div, mul, pow, sqrt, square, sub, type Tensor } from '@omma/core';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterRule,
  shrunk,
  type UpdateInput,
  withDecay,
} from './optimizer.ts';

export interface NAdamOptions extends OptimizerOptions {
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  /** How fast the momentum rises to its beta; 0.004 unless given. */
  readonly momentumDecay?: number;
  /** The parameter shrinks by lr * decay and the moments do not see it. */
  readonly decoupledWeightDecay?: boolean;
}

interface Shares {
  /** Of the gradient, and of the running mean. */
  readonly gradient: Tensor;
  readonly mean: Tensor;
  readonly correction2: Tensor;
}

export class NAdam extends Optimizer {
  readonly #options: Required<Omit<NAdamOptions, keyof OptimizerOptions>>;
  #shares: Shares | null = null;

  constructor(options: NAdamOptions = {}, rule: ParameterRule = () => ({})) {
    super(options, rule, {
      shared: { steps: 0, correction2: 0, momentumProduct: 1 },
      moments: { mean: 0, variance: 0 },
    });
    const { betas = [0.9, 0.999], eps = 1e-8, momentumDecay = 4e-3, decoupledWeightDecay = false } = options;
    this.#options = { betas, eps, momentumDecay, decoupledWeightDecay };
  }

  protected override get initialMomentum(): number {
    return this.#options.betas[0];
  }

  protected override begin(): void {
    const { betas, momentumDecay } = this.#options;
    const beta1 = this.momentum(betas[0]);
    const step = this.countStep();
    const momentumAt = (t: Tensor) => mul(sub(1, mul(pow(0.96 ** momentumDecay, t), 0.5)), beta1);
    const now = momentumAt(step);
    const next = momentumAt(add(step, 1));
    const variable = this.shared('momentumProduct');
    const product = this.keep(variable, mul(variable.read(), now));
    this.#shares = {
      gradient: div(sub(1, now), sub(1, product)),
      mean: div(next, sub(1, mul(product, next))),
      correction2: this.correction('correction2', betas[1]),
    };
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#shares === null) throw new Error('NAdam: update outside of a step');
    const { betas, eps, decoupledWeightDecay } = this.#options;
    const { lr } = input;
    const gradient = decoupledWeightDecay ? input.gradient : withDecay(input);
    const mean = this.average(input, 'mean', this.momentum(betas[0]), gradient);
    const variance = this.average(input, 'variance', betas[1], square(gradient));
    const denominator = add(sqrt(div(variance, this.#shares.correction2)), eps);
    const direction = add(
      mul(gradient, mul(this.#shares.gradient, lr)),
      mul(mean, mul(this.#shares.mean, lr)),
    );
    return sub(decoupledWeightDecay ? shrunk(input) : input.value, div(direction, denominator));
  }
}
