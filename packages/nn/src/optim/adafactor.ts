/**
 * Adafactor (Shazeer and Stern, Adafactor: adaptive learning rates with sublinear memory cost, 2018), as the transformers package computes it, which is
 * the one that MMEngine registers. The running mean of squares of a matrix is kept as those of its rows and of its columns. As there, the last two
 * axes are the matrix: of a convolution that is its kernel, so what is saved depends on the kernel's size, and a 1x1 convolution saves nothing.
 */

import {
  add,
  div,
  maximum,
  mean,
  minimum,
  mul,
  OmmaError,
  pow,
  reshape,
  rsqrt,
  type Shape,
  sqrt,
  square,
  sub,
  type Tensor,
} from '@omma/core';
import {
  Optimizer,
  type OptimizerOptions,
  oneMinus,
  type ParameterRule,
  type UpdateInput,
} from './optimizer.ts';

export interface AdafactorOptions extends OptimizerOptions {
  /** Added to squared gradients, and the least scale of a parameter; 1e-30 and 1e-3 unless given. */
  readonly eps?: readonly [number, number];
  /** The root mean square of an update is brought down to this; 1 unless given. */
  readonly clipThreshold?: number;
  /** The decay of the running means at step t is 1 - t ** decayRate; -0.8 unless given. */
  readonly decayRate?: number;
  /** Decay of a running mean of updates; there is none unless given. */
  readonly beta1?: number;
  /** The learning rate is times the root mean square of the parameter; true unless given. */
  readonly scaleParameter?: boolean;
  /** The learning rate is times min(0.01, 1 / sqrt(t)), so that `lr: 1` gives the paper's; false unless given. */
  readonly relativeStep?: boolean;
  /** With `relativeStep`: times min(1e-6 t, 1 / sqrt(t)). */
  readonly warmupInit?: boolean;
}

interface Step {
  /** Decay of the running means. */
  readonly decay: Tensor;
  /** What the learning rate is multiplied by; null for 1. */
  readonly relative: Tensor | null;
}

export class Adafactor extends Optimizer {
  readonly #options: Required<Omit<AdafactorOptions, keyof OptimizerOptions | 'beta1'>>;
  readonly #beta1: number | null;
  #step: Step | null = null;

  constructor(options: AdafactorOptions = {}, rule: ParameterRule = () => ({})) {
    const { beta1 = null, relativeStep = false, warmupInit = false } = options;
    super(options, rule, {
      shared: { steps: 0 },
      moments: {
        rows: { initial: 0, shape: (shape) => factors(shape)?.rows ?? null },
        columns: { initial: 0, shape: (shape) => factors(shape)?.columns ?? null },
        variance: { initial: 0, shape: (shape) => (factors(shape) === null ? shape : null) },
        ...(beta1 === null ? {} : { mean: 0 }),
      },
    });
    if (warmupInit && !relativeStep)
      throw new OmmaError('Adafactor: warmupInit needs relativeStep; set it too');
    this.#beta1 = beta1;
    this.#options = {
      eps: options.eps ?? [1e-30, 1e-3],
      clipThreshold: options.clipThreshold ?? 1,
      decayRate: options.decayRate ?? -0.8,
      scaleParameter: options.scaleParameter ?? true,
      relativeStep,
      warmupInit,
    };
  }

  protected override get initialMomentum(): number | null {
    return this.#beta1;
  }

  protected override begin(): void {
    const { decayRate, relativeStep, warmupInit } = this.#options;
    const now = this.countStep();
    const most = warmupInit ? mul(now, 1e-6) : 1e-2;
    this.#step = {
      decay: sub(1, pow(now, decayRate)),
      relative: relativeStep ? minimum(rsqrt(now), most) : null,
    };
  }

  protected override update(input: UpdateInput): Tensor {
    if (this.#step === null) throw new Error('Adafactor: update outside of a step');
    const { value, gradient, weightDecay } = input;
    const rate = this.#rate(input, this.#step.relative);
    const direction = mul(this.#scale(input, this.#step.decay), gradient);
    const clipped = div(direction, maximum(div(rms(direction), this.#options.clipThreshold), 1));
    const step = this.#averaged(input, mul(clipped, rate));
    return sub(weightDecay === 0 ? value : mul(value, sub(1, mul(rate, weightDecay))), step);
  }

  #rate({ value, lr }: UpdateInput, relative: Tensor | null): Tensor {
    const { scaleParameter, eps } = this.#options;
    const rate = relative === null ? lr : mul(lr, relative);
    return scaleParameter ? mul(maximum(rms(value), eps[1]), rate) : rate;
  }

  /** One over the root of the mean squares. */
  #scale(input: UpdateInput, decay: Tensor): Tensor {
    const squares = add(square(input.gradient), this.#options.eps[0]);
    const shapes = factors(input.value.shape);
    if (shapes === null) return rsqrt(this.average(input, 'variance', decay, squares));
    const rows = this.average(input, 'rows', decay, mean(squares, { axes: [-1] }));
    const columns = this.average(input, 'columns', decay, mean(squares, { axes: [-2] }));
    const row = rsqrt(div(rows, mean(rows, { axes: [-1], keepDims: true })));
    return mul(reshape(row, [...shapes.rows, 1]), reshape(rsqrt(columns), shapes.column));
  }

  #averaged(input: UpdateInput, step: Tensor): Tensor {
    if (this.#beta1 === null) return step;
    const beta1 = this.momentum(this.#beta1);
    const average = this.moment(input, 'mean');
    return this.keep(average, add(mul(average.read(), beta1), mul(step, oneMinus(beta1))));
  }
}

function rms(x: Tensor): Tensor {
  return sqrt(mean(square(x)));
}

/** The shapes of the means over rows and columns; `column` broadcasts. Null for parameters with less than two axes. */
function factors(shape: Shape): { rows: Shape; columns: Shape; column: Shape } | null {
  const last = shape.at(-1);
  if (last === undefined || shape.length < 2) return null;
  const before = shape.slice(0, -2);
  return { rows: shape.slice(0, -1), columns: [...before, last], column: [...before, 1, last] };
}
