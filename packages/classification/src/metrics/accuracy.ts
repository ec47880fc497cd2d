/** Top-k accuracy and the confusion matrix, from one pass over the predictions. */

import { type HostTensor, OmmaError } from '@omma/core';
import type { Batch, Metric } from '@omma/engine';

export interface AccuracyOptions {
  /** [1, 5] unless given; a k above the number of classes is left out. */
  readonly topk?: readonly number[];
}

export class Accuracy implements Metric {
  readonly inputs = ['label'];
  readonly #topk: readonly number[];
  #hits = new Map<number, number>();
  #samples = 0;
  /** Row: true class; column: predicted class. */
  #confusion: number[][] = [];

  constructor({ topk = [1, 5] }: AccuracyOptions = {}) {
    this.#topk = topk;
  }

  reset(): void {
    this.#hits = new Map();
    this.#samples = 0;
    this.#confusion = [];
  }

  update(outputs: Readonly<Record<string, HostTensor>>, batch: Batch): void {
    const scores = expected(outputs.probabilities ?? outputs.logits, 'probabilities');
    const labels = expected(batch.inputs.label, 'label');
    const classes = scores.shape[1] ?? 0;
    if (this.#confusion.length === 0)
      this.#confusion = Array.from({ length: classes }, () => new Array(classes).fill(0));
    for (let row = 0; row < batch.count; row++) {
      const label = labels.data[row] ?? -1;
      const own = scores.data.subarray(row * classes, (row + 1) * classes);
      const rank = rankOf(own, label);
      for (const k of this.#topk)
        if (rank < k && k <= classes) this.#hits.set(k, (this.#hits.get(k) ?? 0) + 1);
      const line = this.#confusion[label];
      const predicted = best(own);
      if (line !== undefined) line[predicted] = (line[predicted] ?? 0) + 1;
      this.#samples++;
    }
  }

  compute(): Record<string, number> {
    const usable = this.#topk.filter((k) => k <= this.#confusion.length);
    return Object.fromEntries(
      usable.map((k) => [
        `accuracy/top${k}`,
        this.#samples === 0 ? 0 : (100 * (this.#hits.get(k) ?? 0)) / this.#samples,
      ]),
    );
  }

  details(): Record<string, unknown> {
    return { confusionMatrix: this.#confusion };
  }
}

/** How many classes score higher than `label`; equal scores count in class order. A label without a score ranks last. */
function rankOf(scores: HostTensor['data'], label: number): number {
  const own = scores[label];
  if (own === undefined || Number.isNaN(own)) return scores.length;
  let rank = 0;
  scores.forEach((score, i) => {
    if (score > own || (score === own && i < label)) rank++;
  });
  return rank;
}

function best(scores: HostTensor['data']): number {
  let winner = 0;
  scores.forEach((score, i) => {
    if (score > (scores[winner] ?? 0)) winner = i;
  });
  return winner;
}

function expected(tensor: HostTensor | undefined, name: string): HostTensor {
  if (tensor === undefined)
    throw new OmmaError(`Accuracy: needs ${name}, which neither the model nor the batch provides`);
  return tensor;
}
