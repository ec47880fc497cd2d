/**
 * RAdam, Adam whose adaptive rate is rectified for its variance at the start (Liu et al., 2020), as PyTorch computes it.
 *
 * The length of the simple average, rho_t = 2 / (1 - b) - 1 - 2 t b^t / (1 - b^t), is a difference of two numbers near 2000 of which
 * float32 would leave four digits. With c_t = 1 - b^t and d_t = c_0 + ... + c_(t-1) it is 2 t - 1 - 2 d_t / c_t, which cancels nothing
 * while t is small; both are kept as state.
 */

import { add, div, greater, maximum, mul, sqrt, square, sub, type Tensor, where } from '@omma/core';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterRule,
  shrunk,
  type UpdateInput,
  withDecay,
} from './optimizer.ts';

export interface RAdamOptions extends OptimizerOptions {
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  /** The parameter shrinks by lr * decay and the moments do not see it. */
  readonly decoupledWeightDecay?: boolean;
}

interface Rectification {
  readonly correction1: Tensor;
  readonly correction2: Tensor;
  /** A bool scalar: the adaptive rate can be trusted. */
  readonly adaptive: Tensor;
  readonly factor: Tensor;
}

export class RAdam extends Optimizer {
  readonly #betas: readonly [number, number];
  readonly #eps: number;
  readonly #decoupled: boolean;
  #rectification: Rectification | null = null;

  constructor(options: RAdamOptions = {}, rule: ParameterRule = () => ({})) {
    super(options, rule, {
      shared: { steps: 0, correction1: 0, correction2: 0, correctionSum: 0 },
      moments: { mean: 0, variance: 0 },
    });
    this.#betas = options.betas ?? [0.9, 0.999];
    this.#eps = options.eps ?? 1e-8;
    this.#decoupled = options.decoupledWeightDecay ?? false;
  }

  protected override get initialMomentum(): number {
    return this.#betas[0];
  }

  protected override begin(): void {
    const [beta1, beta2] = this.#betas;
    const before = this.shared('correction2').read();
    const correction2 = this.correction('correction2', beta2);
    const sums = this.shared('correctionSum');
    const sum = this.keep(sums, add(sums.read(), before));
    const twice = mul(this.countStep(), 2);
    const length = sub(sub(twice, 1), mul(div(sum, correction2), 2));
    const longest = 2 / (1 - beta2) - 1;
    const scale = longest / ((longest - 4) * (longest - 2));
    const share = mul(mul(sub(length, 4), sub(length, 2)), div(scale, length));
    this.#rectification = {
      correction1: this.correction('correction1', this.momentum(beta1)),
      correction2,
      adaptive: greater(length, 5),
      factor: sqrt(maximum(share, 0)),
    };
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#rectification === null) throw new Error('RAdam: update outside of a step');
    const [beta1, beta2] = this.#betas;
    const { correction1, correction2, adaptive, factor } = this.#rectification;
    const gradient = this.#decoupled ? input.gradient : withDecay(input);
    const mean = this.average(input, 'mean', this.momentum(beta1), gradient);
    const variance = this.average(input, 'variance', beta2, square(gradient));
    const rate = mul(div(sqrt(correction2), add(sqrt(variance), this.#eps)), factor);
    const step = mul(div(mean, correction1), input.lr);
    const from = this.#decoupled ? shrunk(input) : input.value;
    return sub(from, mul(step, where(adaptive, rate, 1)));
  }
}
