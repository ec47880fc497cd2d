/** Evaluator: several metrics over the same predictions, under names that tell them apart. */

import { type HostTensor, OmmaError } from '@omma/core';
import type { Batch, Metric } from '../data/types.ts';

export interface EvaluatorEntry {
  readonly metric: Metric;
  /** Takes the place of what stands before the slash in the metric's names; null leaves them. */
  readonly prefix: string | null;
}

export class Evaluator {
  readonly #entries: readonly EvaluatorEntry[];

  constructor(entries: readonly EvaluatorEntry[]) {
    this.#entries = entries;
  }

  get metrics(): readonly Metric[] {
    return this.#entries.map(({ metric }) => metric);
  }

  /** True when there is nothing to measure. */
  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  reset(): void {
    for (const { metric } of this.#entries) metric.reset();
  }

  update(outputs: Readonly<Record<string, HostTensor>>, batch: Batch): void {
    for (const { metric } of this.#entries) metric.update(outputs, batch);
  }

  /** All numbers. Two metrics with one name are a mistake of the config. */
  compute(): Record<string, number> {
    return this.#merged((metric) => metric.compute());
  }

  details(): Record<string, unknown> {
    return this.#merged((metric) => metric.details?.() ?? {});
  }

  /** Writes what metrics want written, on the one process that writes. */
  async save(): Promise<void> {
    for (const { metric } of this.#entries) await metric.save?.();
  }

  #merged<T>(of: (metric: Metric) => Readonly<Record<string, T>>): Record<string, T> {
    const all: Record<string, T> = {};
    for (const { metric, prefix } of this.#entries) {
      for (const [name, value] of Object.entries(of(metric))) {
        const full = prefix === null ? name : `${prefix}/${name.slice(name.indexOf('/') + 1)}`;
        if (full in all) {
          throw new OmmaError(
            `valEvaluator: two metrics give ${full}; tell them apart with a prefix: { type: ..., prefix: 'other' }`,
          );
        }
        all[full] = value;
      }
    }
    return all;
  }
}
