/** LARS, SGD with a rate of its own for every layer (You, Gitman and Ginsburg, 2017), as MMPretrain computes it. */

import { add, div, mul, sub, type Tensor } from '@omma/core';
import { norm, trusted } from './norms.ts';
import { type ParameterRule, type UpdateInput, withDecay } from './optimizer.ts';
import { SGD, type SGDOptions } from './sgd.ts';

export interface LARSOptions extends SGDOptions {
  /** The trust coefficient; 0.001 unless given. */
  readonly eta?: number;
  readonly eps?: number;
}

/** The rate of a layer is lr * eta * |w| / (|g| + decay * |w| + eps), and goes into the momentum with the gradient. */
export class LARS extends SGD {
  readonly #eta: number;
  readonly #eps: number;

  constructor({ eta = 0.001, eps = 1e-8, ...options }: LARSOptions = {}, rule?: ParameterRule) {
    super(options, rule);
    this.#eta = eta;
    this.#eps = eps;
  }

  protected override update(input: UpdateInput): Tensor {
    return sub(input.value, this.direction(input, mul(withDecay(input), this.#rate(input))));
  }

  #rate({ value, gradient, lr, weightDecay, options }: UpdateInput): Tensor {
    if (options.larsExclude === true) return lr;
    const weights = norm(value);
    const slope = norm(gradient);
    const decayed = weightDecay === 0 ? slope : add(slope, mul(weights, weightDecay));
    const ratio = div(mul(weights, this.#eta), add(decayed, this.#eps));
    return mul(trusted(ratio, weights, slope), lr);
  }
}
