/** Adam and AdamW, as PyTorch computes them. */

import { add, div, maximum, mul, sqrt, square, sub, type Tensor } from '@omma/core';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterRule,
  shrunk,
  type UpdateInput,
  withDecay,
} from './optimizer.ts';

export interface AdamOptions extends OptimizerOptions {
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  /** Divides by the largest mean square so far (Reddi et al., On the convergence of Adam and beyond, 2018). */
  readonly amsgrad?: boolean;
  /** The parameter shrinks by lr * decay and the moments do not see it: AdamW. False unless given. */
  readonly decoupledWeightDecay?: boolean;
}

export class Adam extends Optimizer {
  readonly #betas: readonly [number, number];
  readonly #eps: number;
  readonly #amsgrad: boolean;
  readonly #decoupled: boolean;
  #corrections: readonly [Tensor, Tensor] | null = null;

  constructor(options: AdamOptions = {}, rule: ParameterRule = () => ({})) {
    const { betas = [0.9, 0.999], eps = 1e-8, amsgrad = false, decoupledWeightDecay = false } = options;
    super(options, rule, {
      shared: { correction1: 0, correction2: 0 },
      moments: { mean: 0, variance: 0, ...(amsgrad ? { largest: 0 } : {}) },
    });
    this.#betas = betas;
    this.#eps = eps;
    this.#amsgrad = amsgrad;
    this.#decoupled = decoupledWeightDecay;
  }

  protected override get initialMomentum(): number {
    return this.#betas[0];
  }

  protected override begin(): void {
    const [beta1, beta2] = this.#betas;
    this.#corrections = [
      this.correction('correction1', this.momentum(beta1)),
      this.correction('correction2', beta2),
    ];
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#corrections === null) throw new Error('Adam: update outside of a step');
    const [beta1, beta2] = this.#betas;
    const [correction1, correction2] = this.#corrections;
    const gradient = this.#decoupled ? input.gradient : withDecay(input);
    const mean = this.average(input, 'mean', this.momentum(beta1), gradient);
    const variance = this.average(input, 'variance', beta2, square(gradient));
    const spread = this.#amsgrad ? this.#largest(input, variance) : variance;
    const denominator = add(div(sqrt(spread), sqrt(correction2)), this.#eps);
    const from = this.#decoupled ? shrunk(input) : input.value;
    return sub(from, mul(div(mean, denominator), div(input.lr, correction1)));
  }

  #largest(input: UpdateInput, variance: Tensor): Tensor {
    const largest = this.moment(input, 'largest');
    return this.keep(largest, maximum(largest.read(), variance));
  }
}

/** Adam with decoupled weight decay, 0.01 unless given (Loshchilov and Hutter, 2019). */
export class AdamW extends Adam {
  constructor(options: Omit<AdamOptions, 'decoupledWeightDecay'> = {}, rule?: ParameterRule) {
    super({ ...options, weightDecay: options.weightDecay ?? 0.01, decoupledWeightDecay: true }, rule);
  }
}
