/** Lion, which steps by the sign of an interpolated momentum (Chen et al., Symbolic discovery of optimization algorithms, 2023). */

import { add, mul, sign, sub, type Tensor } from '@omma/core';
import {
  Optimizer,
  type OptimizerOptions,
  oneMinus,
  type ParameterRule,
  shrunk,
  type UpdateInput,
} from './optimizer.ts';

export interface LionOptions extends OptimizerOptions {
  /** Share of the momentum in the step, and its decay; 0.9 and 0.99 unless given. */
  readonly betas?: readonly [number, number];
}

/** The weight decay is decoupled: the parameter shrinks by lr * decay. */
export class Lion extends Optimizer {
  readonly #betas: readonly [number, number];

  constructor(options: LionOptions = {}, rule: ParameterRule = () => ({})) {
    super(options, rule, { moments: { momentum: 0 } });
    this.#betas = options.betas ?? [0.9, 0.99];
  }

  protected override get initialMomentum(): number {
    return this.#betas[0];
  }

  protected override update(input: UpdateInput): Tensor {
    const [beta1, beta2] = this.#betas;
    const { gradient, lr } = input;
    const share = this.momentum(beta1);
    const before = this.moment(input, 'momentum').read();
    const direction = sign(add(mul(before, share), mul(gradient, oneMinus(share))));
    this.average(input, 'momentum', beta2, gradient);
    return sub(shrunk(input), mul(direction, lr));
  }
}
