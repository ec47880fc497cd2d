/**
 * The losses of an evaluation: the mean over its samples of what training would lose on them, with the model in evaluation mode. MMEngine's
 * ValLoop has them where a model gives losses beside its predictions.
 *
 * Evaluation fills its last batch up by repeating, and a loss is a mean over rows. So the rows of that one that count go through the step once
 * more, by themselves: the mean is exact, for the price of one more compiled program.
 */

import { type HostTensor, hostTensor, OmmaError } from '@omma/core';
import type { Batch } from '../data/types.ts';
import { isLossOutput, lossName } from '../runner/evaluationStep.ts';
import type { EvaluationStep } from './evaluationLoop.ts';

/** What one rank has noted, as it travels: the sums as texts, because JSON has no NaN. */
interface Sums {
  readonly samples: number;
  readonly losses: Readonly<Record<string, string>>;
}

export class ValidationLosses {
  #samples = 0;
  readonly #sums = new Map<string, number>();

  /** Notes a batch of which `step` made `outputs`. */
  async add(
    { inputs, count, indices }: Batch,
    outputs: Readonly<Record<string, HostTensor>>,
    step: EvaluationStep,
  ): Promise<void> {
    if (count === 0) return;
    const whole = count === indices.length;
    const found = whole ? outputs : await step(firstRows(inputs, count));
    this.#samples += count;
    for (const [name, { data }] of Object.entries(found)) {
      if (!isLossOutput(name)) continue;
      const mean = Number(data[0] ?? Number.NaN);
      this.#sums.set(name, (this.#sums.get(name) ?? 0) + mean * count);
    }
  }

  /** The means by name: `loss` and its parts. In a distributed run `gather` gives what all ranks have noted, in rank order. */
  async means(gather: ((own: string) => Promise<string[]>) | null): Promise<Record<string, number>> {
    const losses = [...this.#sums].map(([name, sum]) => [name, String(sum)] as const);
    const own: Sums = { samples: this.#samples, losses: Object.fromEntries(losses) };
    const all: Sums[] =
      gather === null ? [own] : (await gather(JSON.stringify(own))).map((text) => JSON.parse(text));
    const samples = all.reduce((total, rank) => total + rank.samples, 0);
    const names = new Set(all.flatMap((rank) => Object.keys(rank.losses)));
    return Object.fromEntries(
      [...names].map((name) => [
        lossName(name),
        all.reduce((total, rank) => total + Number(rank.losses[name] ?? 0), 0) / samples,
      ]),
    );
  }
}

/** Metrics and losses under their names. OmmaError when two have the same. */
export function withLosses(
  metrics: Readonly<Record<string, number>>,
  losses: Readonly<Record<string, number>>,
): Record<string, number> {
  const twice = Object.keys(losses).find((name) => name in metrics);
  if (twice !== undefined)
    throw new OmmaError(
      `valConfig.loss: a metric is called ${twice} too; give it a prefix in valEvaluator: { type: ..., prefix: 'other' }`,
    );
  return { ...metrics, ...losses };
}

function firstRows(inputs: Readonly<Record<string, HostTensor>>, count: number): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype, data }]) => {
      const [rows = 1, ...rest] = shape;
      return [name, hostTensor([count, ...rest], dtype, data.subarray(0, (data.length / rows) * count))];
    }),
  );
}
