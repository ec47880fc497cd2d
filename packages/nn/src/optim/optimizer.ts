/**
 * Optimisers as graph fragments: `step` adds the update of every parameter to the graph being traced, and a device fuses them.
 *
 * Moments are variables named after their parameter (`optimizer.backbone.conv1.weight.momentum`), so they live on the device,
 * go into checkpoints, and belong to the step's graph like everything else. The arithmetic is PyTorch's, in its order.
 */

import { add, mul, type Tensor, Variable, where } from '@omma/core';
import type { Parameter } from '../parameter.ts';

/** What one parameter does differently from the rest. */
export interface ParameterOptions {
  /** Multiplies the learning rate; 1 unless given. */
  readonly lrMult?: number;
  /** Multiplies the weight decay; 1 unless given. */
  readonly decayMult?: number;
}

/**
 * Parameter groups by rule: what the parameter called `name` does differently. `sibling` finds another parameter of the same
 * module (null where there is none): a bias belongs to a norm when its weight has one axis.
 */
export type ParameterRule = (
  name: string,
  parameter: Parameter,
  sibling: (name: string) => Parameter | null,
) => ParameterOptions;

export interface StepOptions {
  /** A bool scalar: false leaves parameters and moments as they are. Loss scaling skips a step that overflowed with it. */
  readonly apply?: Tensor;
}

export abstract class Optimizer {
  readonly #rule: ParameterRule;
  readonly #state = new Map<string, Variable>();
  #apply: Tensor | null = null;

  constructor(rule: ParameterRule = () => ({})) {
    this.#rule = rule;
  }

  /**
   * Updates `parameters` (name and parameter, as `namedParameters` gives them) from their gradients. `lr` is a float32 scalar, an
   * input of the step, so that a schedule needs no new graph. Only inside `trace`.
   */
  step(
    parameters: readonly (readonly [string, Parameter])[],
    gradients: readonly Tensor[],
    lr: Tensor,
    options: StepOptions = {},
  ): void {
    this.#apply = options.apply ?? null;
    this.begin();
    const byName = new Map(parameters);
    parameters.forEach(([name, parameter], i) => {
      const gradient = gradients[i];
      if (gradient === undefined) throw new Error(`optimizer: no gradient for ${name}`);
      const { lrMult = 1, decayMult = 1 } = this.#rule(
        name,
        parameter,
        (other) => byName.get(name.replace(/[^.]*$/, other)) ?? null,
      );
      const rate = lrMult === 1 ? lr : mul(lr, lrMult);
      this.keep(parameter, this.update({ name, value: parameter.read(), gradient, lr: rate, decayMult }));
    });
    this.#apply = null;
  }

  /** Creates the state of `parameters` ahead of the first step, so that a checkpoint can be loaded into it. */
  abstract prepare(parameters: readonly (readonly [string, Parameter])[]): void;

  /** All moments and counters by name, in order of creation. */
  variables(): Variable[] {
    return [...this.#state.values()];
  }

  /** Once a step, before the parameters. */
  protected begin(): void {}

  /** The new value of one parameter. */
  protected abstract update(parameter: UpdateInput): Tensor;

  /** The state called `name`, like `shape`, zero at first. */
  protected state(name: string, shape: readonly number[]): Variable {
    const full = `optimizer.${name}`;
    const known = this.#state.get(full);
    if (known !== undefined) return known;
    const created = new Variable(full, { shape, dtype: 'float32' });
    this.#state.set(full, created);
    return created;
  }

  /** Writes a variable, or keeps it where the step is not to be applied. */
  protected keep(variable: Variable, value: Tensor): Tensor {
    const kept = this.#apply === null ? value : where(this.#apply, value, variable.read());
    variable.write(kept);
    return kept;
  }
}

export interface UpdateInput {
  readonly name: string;
  readonly value: Tensor;
  readonly gradient: Tensor;
  readonly lr: Tensor;
  readonly decayMult: number;
}

/** gradient + decay * value: L2 regularisation as SGD, Adam and RMSprop have it. */
export function withDecay({ gradient, value, decayMult }: UpdateInput, weightDecay: number): Tensor {
  const decay = weightDecay * decayMult;
  return decay === 0 ? gradient : add(gradient, mul(value, decay));
}
