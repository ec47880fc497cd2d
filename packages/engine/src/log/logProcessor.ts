/**
 * LogProcessor: the numbers of every step in, what is logged of them out: means over a window where a single step says little (losses, times,
 * gradient norms), the last value elsewhere, and whatever the config asks for besides. MMEngine's, with its words.
 */

import { OmmaError } from '@omma/core';
import { z } from 'zod';
import type { Scalars } from '../runner/events.ts';
import {
  type SavedHistory,
  ScalarHistory,
  type ScalarStatistic,
  savedHistorySchema,
} from './scalarHistory.ts';

/** A number of steps, the current epoch, or all of the run. */
export type ScalarWindow = number | 'epoch' | 'global';

export interface CustomScalarConfig {
  /** Name of the number: `loss`, `gradNorm`, `lr`, ... */
  readonly dataSrc: string;
  readonly methodName: ScalarStatistic;
  /** `windowSize` of the processor unless given. */
  readonly windowSize?: ScalarWindow;
  /** Name in the log; replaces the number of that name. `dataSrc` unless given. */
  readonly logName?: string;
}

export interface LogProcessorConfig {
  /** Steps that means look back; 10 unless given. */
  readonly windowSize?: number;
  /** Regular expression: numbers whose names match are logged as means over the window, others as they are. */
  readonly meanPattern?: string;
  /** Significant digits of numbers on a terminal; 4 unless given. Log files have all digits. */
  readonly numDigits?: number;
  /** More statistics, or others. */
  readonly customConfig?: readonly CustomScalarConfig[];
}

const defaultWindow = 10;
const defaultMeanPattern = 'loss|time|gradNorm';

const savedSchema = z.record(z.string(), savedHistorySchema);

export class LogProcessor {
  readonly #windowSize: number;
  readonly #meanPattern: RegExp;
  readonly #custom: readonly CustomScalarConfig[];
  readonly #longest: number;
  readonly #histories = new Map<string, ScalarHistory>();

  constructor({
    windowSize = defaultWindow,
    meanPattern = defaultMeanPattern,
    customConfig = [],
  }: LogProcessorConfig = {}) {
    this.#windowSize = windowSize;
    this.#meanPattern = new RegExp(meanPattern, 'i');
    this.#custom = customConfig;
    this.#longest = Math.max(
      windowSize,
      ...customConfig.map((custom) => (typeof custom.windowSize === 'number' ? custom.windowSize : 1)),
    );
  }

  /** Notes the numbers of a step. `firstOfEpoch` begins the windows of an epoch anew. */
  update(scalars: Scalars, firstOfEpoch: boolean): void {
    if (firstOfEpoch) for (const history of this.#histories.values()) history.beginEpoch();
    for (const [name, value] of Object.entries(scalars)) this.#history(name).add(value);
  }

  /** The windows as plain JSON, for a run that goes on later; not those of `transient` numbers, which mean nothing to it. */
  saveState(transient: readonly string[]): Readonly<Record<string, SavedHistory>> {
    const kept = [...this.#histories].filter(([name]) => !transient.includes(name));
    return Object.fromEntries(kept.map(([name, history]) => [name, history.save()]));
  }

  /** Goes on with windows that `saveState` gave. */
  loadState(state: unknown): void {
    const { success, data } = savedSchema.safeParse(state);
    if (!success) throw new OmmaError('LoggerHook: its state in the checkpoint is damaged');
    for (const [name, saved] of Object.entries(data)) this.#history(name).load(saved);
  }

  /** What is logged now. */
  scalars(): Scalars {
    const result: Record<string, number> = {};
    for (const [name, history] of this.#histories) {
      const method = this.#meanPattern.test(name) ? 'mean' : 'current';
      result[name] = history.statistic(method, this.#windowSize);
    }
    for (const { dataSrc, methodName, windowSize = this.#windowSize, logName = dataSrc } of this.#custom) {
      const value = this.#histories.get(dataSrc)?.statistic(methodName, windowSize);
      if (value !== undefined) result[logName] = value;
    }
    return result;
  }

  #history(name: string): ScalarHistory {
    const known = this.#histories.get(name);
    if (known !== undefined) return known;
    const made = new ScalarHistory(this.#longest);
    this.#histories.set(name, made);
    return made;
  }
}
