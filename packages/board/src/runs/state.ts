/** What is known of a run beside its curves: plain JSON, so that the index can keep it. */

import { z } from 'zod';

const metric = z.object({
  last: z.number(),
  lastStep: z.number(),
  best: z.number(),
  bestStep: z.number(),
});

/** The last value of a metric and its best one, with the iterations they belong to. */
export type MetricSummary = z.infer<typeof metric>;

const image = z.object({
  step: z.number(),
  time: z.number(),
  name: z.string(),
  caption: z.string(),
  correct: z.boolean().nullable(),
  /** Relative to the run's folder, as the log says; checked before it is opened. */
  path: z.string(),
  width: z.number(),
  height: z.number(),
});

export type RunImage = z.infer<typeof image>;

export const runStateSchema = z.object({
  /** How the log ends; a run that is neither finished nor stopped is running, or was killed. */
  outcome: z.enum(['open', 'finished', 'stopped', 'interrupted', 'failed']),
  failure: z.string().nullable(),
  /** Milliseconds since 1970. */
  started: z.number().nullable(),
  lastTime: z.number().nullable(),
  /** Times that it was started: more than one after a resume. */
  sessions: z.number(),
  device: z.string().nullable(),
  precision: z.string().nullable(),
  parameters: z.number().nullable(),
  maxEpochs: z.number().nullable(),
  iterationsPerEpoch: z.number().nullable(),
  /** Processes that train together. */
  ranks: z.number(),
  /** Iterations done and of the whole run. */
  iteration: z.number(),
  maxIterations: z.number().nullable(),
  config: z.unknown(),
  metrics: z.record(z.string(), metric),
  images: z.array(image),
  warnings: z.number(),
  bestCheckpoint: z.string().nullable(),
  /** Lines that are no JSON objects with a type. */
  damagedLines: z.number(),
});

export type RunState = z.infer<typeof runStateSchema>;

export function emptyState(): RunState {
  return {
    outcome: 'open',
    failure: null,
    started: null,
    lastTime: null,
    sessions: 0,
    device: null,
    precision: null,
    parameters: null,
    maxEpochs: null,
    iterationsPerEpoch: null,
    ranks: 1,
    iteration: 0,
    maxIterations: null,
    config: null,
    metrics: {},
    images: [],
    warnings: 0,
    bestCheckpoint: null,
    damagedLines: 0,
  };
}
