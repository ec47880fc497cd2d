/**
 * Optimisers as graph fragments: `step` adds the update of every parameter to the graph being traced, and a device fuses them.
 *
 * Moments are variables named after their parameter (`optimizer.backbone.conv1.weight.momentum`), so they live on the device,
 * go into checkpoints, and belong to the step's graph like everything else. The arithmetic is PyTorch's, in its order.
 */

import { add, mul, neg, OmmaError, type Shape, sub, type Tensor, Variable, where } from '@omma/core';
import type { Parameter } from '../parameter.ts';

/** What one parameter does differently from the rest. */
export interface ParameterOptions {
  /** Multiplies the learning rate; 1 unless given. */
  readonly lrMult?: number;
  /** Multiplies the weight decay; 1 unless given. */
  readonly decayMult?: number;
  /** LARS: no layer-wise rate for this parameter. */
  readonly larsExclude?: boolean;
}

/** Parameter groups by rule: what the parameter called `name` does differently. */
export type ParameterRule = (name: string) => ParameterOptions;

/** What all optimisers take. */
export interface OptimizerOptions {
  /** 0 unless given. An L2 term of the gradient, except where the optimiser says that it shrinks the parameter instead. */
  readonly weightDecay?: number;
  /** Goes up the gradient in place of down. */
  readonly maximize?: boolean;
}

/** A number of the optimiser's options, or a float32 scalar of the graph where a schedule moves it. */
export type Hyperparameter = Tensor | number;

/** What a schedule has moved for one parameter in this step, whole: multipliers are in it already. */
export interface ScheduledOptions {
  readonly lr?: Tensor;
  readonly weightDecay?: Tensor;
}

export interface StepOptions {
  /** A bool scalar: false leaves parameters and moments as they are. Loss scaling skips a step that overflowed with it. */
  readonly apply?: Tensor;
  /** Momentum of this step (the first beta where an optimiser has betas), in place of the option's. */
  readonly momentum?: Tensor;
  /** Learning rate and weight decay of the parameters with these options, in place of `lr * lrMult` and `weightDecay * decayMult`. */
  readonly scheduled?: (options: ParameterOptions) => ScheduledOptions;
}

/** A moment in a shape of its own; null for parameters that have none of it. */
export interface ShapedMoment {
  readonly initial: number;
  shape(parameter: Shape): Shape | null;
}

/** State of an optimiser by name, with the value that it starts from. */
export interface StateLayout {
  /** Scalars, one for all parameters. */
  readonly shared?: Readonly<Record<string, number>>;
  /** One a parameter, in its shape unless the moment says otherwise. */
  readonly moments?: Readonly<Record<string, number | ShapedMoment>>;
  /** One a parameter, a scalar. */
  readonly scalars?: Readonly<Record<string, number>>;
}

/** One parameter in a step. */
export interface UpdateInput {
  readonly name: string;
  readonly value: Tensor;
  readonly gradient: Tensor;
  readonly lr: Tensor;
  /** With the parameter's multiplier in it. */
  readonly weightDecay: Hyperparameter;
  readonly options: ParameterOptions;
}

export abstract class Optimizer {
  readonly #options: Required<OptimizerOptions>;
  readonly #rule: ParameterRule;
  readonly #layout: StateLayout;
  readonly #state = new Map<string, Variable>();
  /** In front of the names of the state that all parameters share, where a run has several optimisers. Before the first step. */
  sharedPrefix = '';
  #step: StepOptions = {};

  constructor(
    { weightDecay = 0, maximize = false }: OptimizerOptions,
    rule: ParameterRule,
    layout: StateLayout,
  ) {
    this.#options = { weightDecay, maximize };
    this.#rule = rule;
    this.#layout = layout;
  }

  /** What schedules can move besides the learning rate, as the options have it; null for a momentum that there is none of. */
  get initial(): { readonly momentum: number | null; readonly weightDecay: number } {
    return { momentum: this.initialMomentum, weightDecay: this.#options.weightDecay };
  }

  /** What the parameter called `name` does differently. */
  optionsOf(name: string): ParameterOptions {
    return this.#rule(name);
  }

  /**
   * Updates `parameters` (name and parameter, as `namedParameters` gives them) from their gradients. `lr` is a float32 scalar, an
   * input of the step, so that a schedule needs no new graph. Only inside `trace`.
   */
  step(
    parameters: readonly (readonly [string, Parameter])[],
    gradients: readonly Tensor[],
    lr: Tensor,
    step: StepOptions = {},
  ): void {
    if (step.momentum !== undefined && this.initialMomentum === null)
      throw new OmmaError(`${this.constructor.name}: has no momentum that a schedule could move`);
    this.#step = step;
    this.begin(gradients, lr);
    parameters.forEach(([name, parameter], i) => {
      const gradient = gradients[i];
      if (gradient === undefined) throw new Error(`optimizer: no gradient for ${name}`);
      const options = this.#rule(name);
      const { lrMult = 1, decayMult = 1 } = options;
      const scheduled = step.scheduled?.(options) ?? {};
      const input: UpdateInput = {
        name,
        options,
        value: parameter.read(),
        gradient: this.#options.maximize ? neg(gradient) : gradient,
        lr: scheduled.lr ?? (lrMult === 1 ? lr : mul(lr, lrMult)),
        weightDecay: scheduled.weightDecay ?? this.#options.weightDecay * decayMult,
      };
      this.keep(parameter, this.update(input));
    });
    this.end();
    this.#step = {};
  }

  /** Creates the state of `parameters` ahead of the first step, so that a checkpoint can be loaded into it. */
  prepare(parameters: readonly (readonly [string, Parameter])[]): void {
    const { shared = {}, moments = {}, scalars = {} } = this.#layout;
    for (const name of Object.keys(shared)) this.shared(name);
    for (const [name, { shape }] of parameters) {
      for (const moment of Object.keys(moments)) this.#moment(name, moment, shape);
      for (const scalar of Object.keys(scalars)) this.#variable(`${name}.${scalar}`, [], scalars[scalar]);
    }
  }

  /** All moments and counters by name, in order of creation. */
  variables(): Variable[] {
    return [...this.#state.values()];
  }

  /** Once a step, before the parameters; `lr` is that of parameters without a multiplier. */
  protected begin(_gradients: readonly Tensor[], _lr: Tensor): void {}

  /** Once a step, after the parameters. */
  protected end(): void {}

  /** The new value of one parameter. */
  protected abstract update(parameter: UpdateInput): Tensor;

  /** The option that a momentum schedule starts from; null where there is nothing to move. */
  protected get initialMomentum(): number | null {
    return null;
  }

  /** This step's momentum: the schedule's, or the option. */
  protected momentum(option: number): Hyperparameter {
    return this.#step.momentum ?? option;
  }

  /** The scalar called `name` that all parameters share. */
  protected shared(name: string): Variable {
    return this.#variable(`${this.sharedPrefix}${name}`, [], this.#layout.shared?.[name]);
  }

  /** The moment called `name` of a parameter. */
  protected moment({ name: parameter, value }: UpdateInput, name: string): Variable {
    const moment = this.#moment(parameter, name, value.shape);
    if (moment === null) throw new Error(`optimizer: ${parameter} has no moment ${name}`);
    return moment;
  }

  /** The scalar called `name` of a parameter. */
  protected scalar({ name: parameter }: UpdateInput, name: string): Variable {
    return this.#variable(`${parameter}.${name}`, [], this.#layout.scalars?.[name]);
  }

  /** The running average `name` of a parameter, moved: decay * average + (1 - decay) * next. */
  protected average(input: UpdateInput, name: string, decay: Hyperparameter, next: Tensor): Tensor {
    const average = this.moment(input, name);
    return this.keep(average, add(mul(average.read(), decay), mul(next, oneMinus(decay))));
  }

  /**
   * The bias correction 1 - decay^t of a running average that began at zero, moved to this step. It is kept as state and moved by
   * c = decay * c + (1 - decay): in float32 that is exact to rounding, where 1 - pow(decay, t) would lose four digits at the start.
   */
  protected correction(name: string, decay: Hyperparameter): Tensor {
    const variable = this.shared(name);
    return this.keep(variable, add(mul(variable.read(), decay), oneMinus(decay)));
  }

  /** The number of this step among those that were applied, from 1. Exact up to 2^24. */
  protected countStep(): Tensor {
    const steps = this.shared('steps');
    return this.keep(steps, add(steps.read(), 1));
  }

  /** Writes a variable, or keeps it where the step is not to be applied. Gives the value as if it were. */
  protected keep(variable: Variable, value: Tensor): Tensor {
    const { apply } = this.#step;
    variable.write(apply === undefined ? value : where(apply, value, variable.read()));
    return value;
  }

  #moment(parameter: string, name: string, shape: Shape): Variable | null {
    const moment = this.#layout.moments?.[name] ?? 0;
    if (typeof moment === 'number') return this.#variable(`${parameter}.${name}`, shape, moment);
    const own = moment.shape(shape);
    return own === null ? null : this.#variable(`${parameter}.${name}`, own, moment.initial);
  }

  #variable(name: string, shape: Shape, initial = 0): Variable {
    const full = `optimizer.${name}`;
    const known = this.#state.get(full);
    if (known !== undefined) return known;
    const data = initial === 0 ? undefined : new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(initial);
    const created = new Variable(full, { shape, dtype: 'float32' }, data);
    this.#state.set(full, created);
    return created;
  }
}

/** 1 - x. */
export function oneMinus(x: Hyperparameter): Hyperparameter {
  return typeof x === 'number' ? 1 - x : sub(1, x);
}

/** gradient + decay * value: L2 regularisation as SGD, Adam and RMSprop have it. */
export function withDecay({ gradient, value, weightDecay }: UpdateInput): Tensor {
  return weightDecay === 0 ? gradient : add(gradient, mul(value, weightDecay));
}

/** value * (1 - lr * decay): decoupled weight decay, which the moments do not see (Loshchilov and Hutter, 2019). */
export function shrunk({ value, lr, weightDecay }: UpdateInput): Tensor {
  return weightDecay === 0 ? value : mul(value, sub(1, mul(lr, weightDecay)));
}
