/**
 * Adam and AdamW, as PyTorch computes them.
 *
 * The bias corrections 1 - beta^t are kept as state and moved by c = beta * c + (1 - beta): in float32 that is exact to rounding,
 * where 1 - pow(beta, t) would lose four digits at the start.
 */

import { add, div, mul, sqrt, square, sub, type Tensor } from '@omma/core';
import type { Parameter } from '../parameter.ts';
import { Optimizer, type ParameterRule, type UpdateInput, withDecay } from './optimizer.ts';

export interface AdamOptions {
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  readonly weightDecay?: number;
}

export class Adam extends Optimizer {
  protected readonly weightDecay: number;
  readonly #betas: readonly [number, number];
  readonly #eps: number;
  #corrections: readonly [Tensor, Tensor] | null = null;

  constructor({ betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 }: AdamOptions = {}, rule?: ParameterRule) {
    super(rule);
    this.weightDecay = weightDecay;
    this.#betas = betas;
    this.#eps = eps;
  }

  override prepare(parameters: readonly (readonly [string, Parameter])[]): void {
    this.state('correction1', []);
    this.state('correction2', []);
    for (const [name, { shape }] of parameters) {
      this.state(`${name}.mean`, shape);
      this.state(`${name}.variance`, shape);
    }
  }

  protected override begin(): void {
    const correction = (name: string, beta: number) => {
      const variable = this.state(name, []);
      const next = add(mul(variable.read(), beta), 1 - beta);
      this.keep(variable, next);
      return next;
    };
    this.#corrections = [
      correction('correction1', this.#betas[0]),
      correction('correction2', this.#betas[1]),
    ];
  }

  protected override update(input: UpdateInput): Tensor {
    return this.moved(input, input.value, withDecay(input, this.weightDecay));
  }

  /** `from` moved by one Adam step along `gradient`. */
  protected moved({ name, value, lr }: UpdateInput, from: Tensor, gradient: Tensor): Tensor {
    if (this.#corrections === null) throw new Error('Adam: update outside of a step');
    const [beta1, beta2] = this.#betas;
    const [correction1, correction2] = this.#corrections;
    const mean = this.state(`${name}.mean`, value.shape);
    const variance = this.state(`${name}.variance`, value.shape);
    const nextMean = add(mul(mean.read(), beta1), mul(gradient, 1 - beta1));
    const nextVariance = add(mul(variance.read(), beta2), mul(square(gradient), 1 - beta2));
    this.keep(mean, nextMean);
    this.keep(variance, nextVariance);
    const denominator = add(div(sqrt(nextVariance), sqrt(correction2)), this.#eps);
    return sub(from, mul(div(nextMean, denominator), div(lr, correction1)));
  }
}

/** Adam with decoupled weight decay: the parameter shrinks by lr * decay, the moments do not see it. */
export class AdamW extends Adam {
  constructor(options: AdamOptions = {}, rule?: ParameterRule) {
    super({ ...options, weightDecay: options.weightDecay ?? 0.01 }, rule);
  }

  protected override update(input: UpdateInput): Tensor {
    const decay = this.weightDecay * input.decayMult;
    const shrunk = decay === 0 ? input.value : mul(input.value, sub(1, mul(input.lr, decay)));
    return this.moved(input, shrunk, input.gradient);
  }
}
