/** DAdaptAdam: Adam that finds its learning rate (see dadaptation.ts). */

import { abs, add, div, mul, sqrt, square, sub, sum, type Tensor } from '@omma/core';
import { type ParameterRule, type UpdateInput, withDecay } from '../optimizer.ts';
import { DAdaptation, type DAdaptationOptions, total } from './dadaptation.ts';

export interface DAdaptAdamOptions extends DAdaptationOptions {
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  /** The parameter shrinks by its rate * decay and the moments do not see it. */
  readonly decouple?: boolean;
  /** Of the two running averages; false unless given. */
  readonly useBiasCorrection?: boolean;
}

interface Step {
  readonly lr: Tensor;
  /** lr times the bound, and the bias correction. */
  readonly rate: Tensor;
  /** What each parameter gives to the estimate. */
  readonly numerators: Tensor[];
  readonly norms: Tensor[];
}

export class DAdaptAdam extends DAdaptation {
  readonly #options: Required<Omit<DAdaptAdamOptions, keyof DAdaptationOptions>>;
  #step: Step | null = null;

  constructor(options: DAdaptAdamOptions = {}, rule: ParameterRule = () => ({})) {
    const { betas = [0.9, 0.999], eps = 1e-8, decouple = false, useBiasCorrection = false } = options;
    super(options, rule, {
      shared: { numerator: 0, ...(useBiasCorrection ? { correction1: 0, correction2: 0 } : {}) },
      moments: { mean: 0, variance: 0, sum: 0 },
    });
    this.#options = { betas, eps, decouple, useBiasCorrection };
  }

  protected override get initialMomentum(): number {
    return this.#options.betas[0];
  }

  protected override begin(_gradients: readonly Tensor[], lr: Tensor): void {
    const { betas, useBiasCorrection } = this.#options;
    const rate = mul(this.bound(), lr);
    const correction = () =>
      div(
        sqrt(this.correction('correction2', betas[1])),
        this.correction('correction1', this.momentum(betas[0])),
      );
    this.#step = { lr, rate: useBiasCorrection ? mul(rate, correction()) : rate, numerators: [], norms: [] };
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#step === null) throw new Error('DAdaptAdam: update outside of a step');
    const { betas, eps, decouple } = this.#options;
    const { rate, numerators, norms } = this.#step;
    const { value, weightDecay, options } = input;
    const { lrMult = 1 } = options;
    const gradient = decouple ? input.gradient : withDecay(input);
    const before = this.moment(input, 'sum').read();
    const spread = add(sqrt(this.moment(input, 'variance').read()), eps);
    numerators.push(mul(mul(sum(mul(gradient, div(before, spread))), rate), lrMult));
    const mean = this.average(input, 'mean', this.momentum(betas[0]), mul(gradient, mul(rate, lrMult)));
    const variance = this.average(input, 'variance', betas[1], square(gradient));
    const moved = this.average(input, 'sum', Math.sqrt(betas[1]), mul(gradient, rate));
    norms.push(mul(sum(abs(moved)), lrMult));
    const from = decouple && weightDecay !== 0 ? mul(value, sub(1, mul(rate, weightDecay))) : value;
    return sub(from, div(mean, add(sqrt(variance), eps)));
  }

  protected override end(): void {
    if (this.#step === null) throw new Error('DAdaptAdam: end outside of a step');
    const { lr, numerators, norms } = this.#step;
    const decay = Math.sqrt(this.#options.betas[1]);
    const variable = this.shared('numerator');
    const numerator = this.keep(
      variable,
      add(mul(variable.read(), decay), mul(total(numerators), 1 - decay)),
    );
    const norm = total(norms);
    this.grow(div(numerator, mul(norm, 1 - decay)), norm, lr);
  }
}
