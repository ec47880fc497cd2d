/**
 * How long a run trains and when it evaluates: by epochs or by iterations, at intervals that may change on the way. A function of the
 * progress alone, so that a resumed run goes on as the whole one would have.
 */

import type { Progress } from '../runner/context.ts';
import type { TrainConfig } from './config.ts';

export class TrainPlan {
  /** True when length and intervals count epochs, false when they count iterations. */
  readonly byEpoch: boolean;
  readonly iterationsPerEpoch: number;
  /** Steps of the whole run. */
  readonly maxIterations: number;
  /** Epochs of the whole run; by iterations, those that it begins. */
  readonly maxEpochs: number;
  readonly #length: number;
  readonly #valBegin: number;
  /** Intervals from a position on, ascending. */
  readonly #intervals: readonly (readonly [from: number, interval: number])[];

  constructor(config: TrainConfig, iterationsPerEpoch: number) {
    const { maxEpochs, maxIters, valBegin = 1, dynamicIntervals = [] } = config;
    this.byEpoch = maxIters === undefined;
    this.iterationsPerEpoch = iterationsPerEpoch;
    this.maxIterations = maxIters ?? (maxEpochs ?? 0) * iterationsPerEpoch;
    this.maxEpochs = Math.ceil(this.maxIterations / iterationsPerEpoch);
    this.#length = this.byEpoch ? this.maxEpochs : this.maxIterations;
    this.#valBegin = valBegin;
    const { valInterval = this.byEpoch ? 1 : 1000 } = config;
    this.#intervals = [[0, valInterval], ...dynamicIntervals];
  }

  finished({ iteration }: Progress): boolean {
    return iteration >= this.maxIterations;
  }

  /** Whether an evaluation belongs behind the steps that `progress` counts. The last step always has one. */
  evaluatesAfter({ epoch, iteration, iterationInEpoch }: Progress): boolean {
    if (this.byEpoch && iterationInEpoch !== 0) return false;
    const done = this.byEpoch ? epoch : iteration;
    if (done < this.#valBegin) return false;
    return done % this.#intervalAt(done) === 0 || done === this.#length;
  }

  /** How many evaluations the whole run has. */
  get evaluations(): number {
    let total = 0;
    for (let done = 1; done <= this.#length; done++) {
      const iteration = this.byEpoch ? done * this.iterationsPerEpoch : done;
      const [epoch, iterationInEpoch] = this.byEpoch ? [done, 0] : [0, iteration];
      if (this.evaluatesAfter({ epoch, iteration, iterationInEpoch, evaluationDue: false })) total++;
    }
    return total;
  }

  /** The newest interval that has begun: one given for position p holds from the unit that ends there on, as in MMEngine. */
  #intervalAt(done: number): number {
    return this.#intervals.findLast(([from]) => from <= done + 1)?.[1] ?? 1;
  }
}
