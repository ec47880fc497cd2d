/**
 * LAMB, Adam with a trust ratio for every layer (You et al., Large batch optimization for deep learning: training BERT in 76 minutes, 2020),
 * as MMPretrain computes it: the variant of NVIDIA's FusedLAMB, with the gradients' common norm clipped first.
 */

import { add, div, maximum, minimum, mul, sqrt, square, sub, type Tensor } from '@omma/core';
import { gradNorm } from './clip.ts';
import { norm, trusted } from './norms.ts';
import {
  Optimizer,
  type OptimizerOptions,
  oneMinus,
  type ParameterRule,
  type UpdateInput,
} from './optimizer.ts';

export interface LambOptions extends OptimizerOptions {
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  /** Of the two running averages; true unless given. */
  readonly biasCorrection?: boolean;
  /** Whether the mean takes the gradient times 1 - beta or whole; true unless given. */
  readonly gradAveraging?: boolean;
  /** The norm of all gradients together is brought down to this; 1 unless given. */
  readonly maxGradNorm?: number;
  /** Keeps the trust ratio at 1 at most: LAMBC. */
  readonly trustClip?: boolean;
  /** Trust ratios also for parameters without weight decay. */
  readonly alwaysAdapt?: boolean;
}

export class Lamb extends Optimizer {
  readonly #options: Required<Omit<LambOptions, keyof OptimizerOptions>>;
  #step: { readonly shrink: Tensor; readonly corrections: readonly [Tensor, Tensor] | null } | null = null;

  constructor(options: LambOptions = {}, rule: ParameterRule = () => ({})) {
    const { weightDecay = 0.01, biasCorrection = true } = options;
    super({ ...options, weightDecay }, rule, {
      shared: biasCorrection ? { correction1: 0, correction2: 0 } : {},
      moments: { mean: 0, variance: 0 },
    });
    this.#options = {
      betas: options.betas ?? [0.9, 0.999],
      eps: options.eps ?? 1e-6,
      biasCorrection,
      gradAveraging: options.gradAveraging ?? true,
      maxGradNorm: options.maxGradNorm ?? 1,
      trustClip: options.trustClip ?? false,
      alwaysAdapt: options.alwaysAdapt ?? false,
    };
  }

  protected override get initialMomentum(): number {
    return this.#options.betas[0];
  }

  protected override begin(gradients: readonly Tensor[]): void {
    const { betas, biasCorrection, maxGradNorm } = this.#options;
    this.#step = {
      shrink: maximum(div(gradNorm(gradients), maxGradNorm), 1),
      corrections: biasCorrection
        ? [this.correction('correction1', this.momentum(betas[0])), this.correction('correction2', betas[1])]
        : null,
    };
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#step === null) throw new Error('Lamb: update outside of a step');
    const { betas, eps, gradAveraging } = this.#options;
    const { shrink, corrections } = this.#step;
    const beta1 = this.momentum(betas[0]);
    const gradient = div(input.gradient, shrink);
    const variable = this.moment(input, 'mean');
    const incoming = gradAveraging ? mul(gradient, oneMinus(beta1)) : gradient;
    const mean = this.keep(variable, add(mul(variable.read(), beta1), incoming));
    const spread = sqrt(this.average(input, 'variance', betas[1], square(gradient)));
    const direction =
      corrections === null
        ? div(mean, add(spread, eps))
        : div(div(mean, corrections[0]), add(div(spread, sqrt(corrections[1])), eps));
    return this.#moved(input, direction);
  }

  /** The parameter moved along `direction` and its own decay, as far as the norms of both allow. */
  #moved({ value, lr, weightDecay }: UpdateInput, direction: Tensor): Tensor {
    const { alwaysAdapt, trustClip } = this.#options;
    const decays = weightDecay !== 0;
    const step = decays ? add(direction, mul(value, weightDecay)) : direction;
    if (!decays && !alwaysAdapt) return sub(value, mul(step, lr));
    const weights = norm(value);
    const length = norm(step);
    const ratio = trusted(div(weights, length), weights, length);
    return sub(value, mul(step, mul(trustClip ? minimum(ratio, 1) : ratio, lr)));
  }
}
