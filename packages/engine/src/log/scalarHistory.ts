/** The past of one number: the last values in a ring, and running statistics of the epoch and of the whole run. Its memory is bounded. */

import { toJsonNumber } from '@omma/core';
import { z } from 'zod';

export type ScalarStatistic = 'mean' | 'max' | 'min' | 'current';

interface Running {
  count: number;
  sum: number;
  min: number;
  max: number;
}

/** JSON has no NaN and no infinities: they travel as text. */
const jsonNumber = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]).transform(Number);
const savedRunning = z.object({
  count: z.int().min(0),
  sum: jsonNumber,
  min: jsonNumber,
  max: jsonNumber,
});

export const savedHistorySchema = z.object({
  last: z.array(jsonNumber),
  epoch: savedRunning,
  global: savedRunning,
});
export type SavedHistory = z.input<typeof savedHistorySchema>;

const nothing = (): Running => ({
  count: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
});

function note(running: Running, value: number): void {
  running.count++;
  running.sum += value;
  running.min = Math.min(running.min, value);
  running.max = Math.max(running.max, value);
}

export class ScalarHistory {
  readonly #ring: Float64Array;
  #count = 0;
  #epoch = nothing();
  #global = nothing();

  /** `length`: the longest window that will be asked for. */
  constructor(length: number) {
    this.#ring = new Float64Array(length);
  }

  add(value: number): void {
    this.#ring[this.#count++ % this.#ring.length] = value;
    for (const running of [this.#epoch, this.#global]) note(running, value);
  }

  beginEpoch(): void {
    this.#epoch = nothing();
  }

  /** All of it as plain JSON. */
  save(): SavedHistory {
    const running = ({ count, sum, min, max }: Running) => ({
      count,
      sum: toJsonNumber(sum),
      min: toJsonNumber(min),
      max: toJsonNumber(max),
    });
    const last = this.#last(this.#ring.length).map(toJsonNumber);
    return { last, epoch: running(this.#epoch), global: running(this.#global) };
  }

  /** The past that `save` gave, as `savedHistorySchema` reads it; of the last values those for which there is room. */
  load({ last, epoch, global }: z.output<typeof savedHistorySchema>): void {
    const kept = last.slice(-this.#ring.length);
    this.#ring.set(kept);
    this.#count = kept.length;
    this.#epoch = { ...epoch };
    this.#global = { ...global };
  }

  /** Over the last `window` values, the current epoch or everything; NaN when there is nothing yet. */
  statistic(method: ScalarStatistic, window: number | 'epoch' | 'global'): number {
    if (method === 'current') return this.#last(1).at(-1) ?? Number.NaN;
    const { count, sum, min, max } = this.#over(window);
    if (count === 0) return Number.NaN;
    return method === 'mean' ? sum / count : method === 'max' ? max : min;
  }

  #over(window: number | 'epoch' | 'global'): Running {
    if (window === 'epoch') return this.#epoch;
    if (window === 'global') return this.#global;
    const running = nothing();
    for (const value of this.#last(window)) note(running, value);
    return running;
  }

  #last(window: number): number[] {
    const length = this.#ring.length;
    const kept = Math.min(window, this.#count, length);
    return Array.from(
      { length: kept },
      (_, i) => this.#ring[(this.#count - kept + i) % length] ?? Number.NaN,
    );
  }
}
