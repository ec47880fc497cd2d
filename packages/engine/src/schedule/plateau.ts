/** ReduceOnPlateau: watches a metric, and remembers after which epochs it has reduced what it moves. Its state is in the checkpoint. */

import { z } from 'zod';
import type { PlateauConfig } from './types.ts';

export const plateauStateSchema = z.object({
  /** Null before the first evaluation. */
  best: z.number().nullable(),
  badEvaluations: z.int().min(0),
  cooldown: z.int().min(0),
  /** Numbers of finished epochs after which the value was reduced. */
  reducedAfter: z.array(z.int().min(0)),
});

export type PlateauState = z.infer<typeof plateauStateSchema>;

export const freshPlateau: PlateauState = { best: null, badEvaluations: 0, cooldown: 0, reducedAfter: [] };

/** The state after an evaluation that gave `metric` when `epoch` epochs were finished. */
export function observed(
  config: PlateauConfig,
  before: PlateauState,
  { metric, epoch, maxEpochs }: { metric: number; epoch: number; maxEpochs: number },
): PlateauState {
  const { patience = 10, cooldown = 0, begin = 0, end = maxEpochs } = config;
  if (epoch < begin || epoch >= end) return before;
  const better = isBetter(config, metric, before.best);
  const best = better ? metric : before.best;
  const cooling = before.cooldown > 0;
  const bad = better || cooling ? 0 : before.badEvaluations + 1;
  if (bad > patience)
    return { best, badEvaluations: 0, cooldown, reducedAfter: [...before.reducedAfter, epoch] };
  return { ...before, best, badEvaluations: bad, cooldown: cooling ? before.cooldown - 1 : 0 };
}

/** A value reduced once. */
export function reduced({ factor = 0.1, minValue = 0, eps = 1e-8 }: PlateauConfig, value: number): number {
  const next = Math.max(value * factor, minValue);
  return value - next > eps ? next : value;
}

function isBetter(config: PlateauConfig, metric: number, best: number | null): boolean {
  const { rule = 'less', threshold = 1e-4, thresholdRule = 'rel' } = config;
  if (best === null) return !Number.isNaN(metric);
  if (rule === 'less') return metric < (thresholdRule === 'rel' ? best * (1 - threshold) : best - threshold);
  return metric > (thresholdRule === 'rel' ? best * (1 + threshold) : best + threshold);
}
