/**
 * Averages of weights as state on the device, moved by the update's own graph: no copy ever comes to the host. Formulas and names are
 * OpenMMLab's: `momentum` is the share of the new weights.
 */

import {
  add,
  cast,
  div,
  equal,
  exp,
  floor,
  lessEqual,
  maximum,
  mul,
  sub,
  type Tensor,
  Variable,
  where,
} from '@omma/core';
import { emaPrefix } from '../../checkpoint/names.ts';

export type AverageType =
  | 'ExponentialMovingAverage'
  | 'MomentumAnnealingEMA'
  | 'ExpMomentumEMA'
  | 'StochasticWeightAverage';

export interface AverageOptions {
  readonly type: AverageType;
  readonly momentum: number;
  /** How fast the momentum comes down to its value, for the two types that have it. */
  readonly gamma: number;
  /** Updates between two moves of the average. */
  readonly interval: number;
  /** Updates before it begins; until then it is the weights themselves. */
  readonly begin: number;
}

export class Averages {
  readonly #options: AverageOptions;
  readonly #pairs: readonly (readonly [source: Variable, average: Variable])[];
  /** Updates so far. */
  readonly count = new Variable('run.ema.count', { shape: [], dtype: 'int32' });

  /** Averages of `sources`, float32 all of them. */
  constructor(sources: readonly Variable[], options: AverageOptions) {
    this.#options = options;
    this.#pairs = sources.map((source) => [
      source,
      new Variable(`${emaPrefix}${source.name}`, { shape: source.shape, dtype: source.dtype }),
    ]);
  }

  variables(): Variable[] {
    return [...this.#pairs.map(([, average]) => average), this.count];
  }

  /** The weights and their averages, by name. */
  get names(): readonly (readonly [source: string, average: string])[] {
    return this.#pairs.map(([source, average]) => [source.name, average.name]);
  }

  /** Moves the averages towards what the sources are now. Inside `trace`. */
  update(): void {
    const { begin, interval } = this.#options;
    const count = this.count.read();
    const steps = cast(sub(count, begin), 'float32');
    const first = lessEqual(steps, 0);
    const share = this.#share(steps);
    // A multiple of the interval: the quotient is exact then, and never otherwise.
    const due = interval === 1 ? null : equal(mul(floor(div(steps, interval)), interval), steps);
    for (const [source, average] of this.#pairs) {
      const before = average.read();
      const now = source.read();
      const moved = add(before, mul(sub(now, before), share));
      average.write(where(first, now, due === null ? moved : where(due, moved, before)));
    }
    this.count.write(add(count, 1));
  }

  /** Exchanges sources and averages: twice is as before, to the last bit. Inside `trace`. */
  exchange(): void {
    for (const [source, average] of this.#pairs) {
      const [a, b] = [source.read(), average.read()];
      source.write(b);
      average.write(a);
    }
  }

  /** Share of the new weights after `steps` moves. */
  #share(steps: Tensor): Tensor | number {
    const { type, momentum, gamma, interval } = this.#options;
    switch (type) {
      case 'ExponentialMovingAverage':
        return momentum;
      case 'MomentumAnnealingEMA':
        return maximum(div(gamma, add(steps, gamma)), momentum);
      case 'ExpMomentumEMA':
        return add(mul(exp(div(add(steps, 1), -gamma)), 1 - momentum), momentum);
      case 'StochasticWeightAverage':
        return div(1, add(floor(div(steps, interval)), 1));
    }
  }
}
