/** Adan, Adam with a Nesterov momentum of gradient differences (Xie et al., 2022), as MMPretrain computes it. */

import { add, div, equal, minimum, mul, sqrt, square, sub, type Tensor, where } from '@omma/core';
import { gradNorm } from './clip.ts';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterRule,
  shrunk,
  type UpdateInput,
} from './optimizer.ts';

export interface AdanOptions extends OptimizerOptions {
  /** Decays of gradient, difference and square; 0.98, 0.92 and 0.99 unless given. */
  readonly betas?: readonly [number, number, number];
  readonly eps?: number;
  /** The norm of all gradients together is brought down to this; 0, which is unless given, lets it be. */
  readonly maxGradNorm?: number;
  /** The parameter is multiplied by 1 - lr * decay before the step; it is divided by 1 + lr * decay after it unless given. */
  readonly noProx?: boolean;
}

interface Step {
  readonly first: Tensor;
  readonly shrink: Tensor | null;
  readonly corrections: readonly [Tensor, Tensor, Tensor];
}

export class Adan extends Optimizer {
  readonly #options: Required<Omit<AdanOptions, keyof OptimizerOptions>>;
  #step: Step | null = null;

  constructor(options: AdanOptions = {}, rule: ParameterRule = () => ({})) {
    super(options, rule, {
      shared: { steps: 0, correction1: 0, correction2: 0, correction3: 0 },
      moments: { mean: 0, difference: 0, variance: 0, previous: 0 },
    });
    const { betas = [0.98, 0.92, 0.99], eps = 1e-8, maxGradNorm = 0, noProx = false } = options;
    this.#options = { betas, eps, maxGradNorm, noProx };
  }

  protected override get initialMomentum(): number {
    return this.#options.betas[0];
  }

  protected override begin(gradients: readonly Tensor[]): void {
    const { betas, eps, maxGradNorm } = this.#options;
    this.#step = {
      first: equal(this.countStep(), 1),
      shrink: maxGradNorm === 0 ? null : minimum(div(maxGradNorm, add(gradNorm(gradients), eps)), 1),
      corrections: [
        this.correction('correction1', this.momentum(betas[0])),
        this.correction('correction2', betas[1]),
        this.correction('correction3', betas[2]),
      ],
    };
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#step === null) throw new Error('Adan: update outside of a step');
    const { betas, eps, noProx } = this.#options;
    const { first, shrink, corrections } = this.#step;
    const gradient = shrink === null ? input.gradient : mul(input.gradient, shrink);
    const previous = this.moment(input, 'previous');
    const change = where(first, 0, sub(gradient, previous.read()));
    this.keep(previous, gradient);
    const mean = this.average(input, 'mean', this.momentum(betas[0]), gradient);
    const difference = this.average(input, 'difference', betas[1], change);
    const ahead = add(gradient, mul(change, betas[1]));
    const variance = this.average(input, 'variance', betas[2], square(ahead));
    const denominator = add(div(sqrt(variance), sqrt(corrections[2])), eps);
    const direction = add(div(mean, corrections[0]), div(mul(difference, betas[1]), corrections[1]));
    const step = mul(div(direction, denominator), input.lr);
    if (noProx) return sub(shrunk(input), step);
    const { value, lr, weightDecay } = input;
    const moved = sub(value, step);
    return weightDecay === 0 ? moved : div(moved, add(mul(lr, weightDecay), 1));
  }
}
