/** `trainConfig` of a config: how long to train, when to evaluate; `valConfig` and `testConfig`: how to evaluate. */

import { z } from 'zod';
import type { TypedConfig } from '../config/registry.ts';
import { type AmpSetting, ampSchema } from '../optim/config.ts';
import { type TrainLoopTypes, trainLoops } from './registry.ts';

export interface TrainConfig {
  /** Passes over the training data. Either this or `maxIters`. */
  readonly maxEpochs?: number;
  /** Steps. With it, intervals count iterations. */
  readonly maxIters?: number;
  /** Evaluate every so many epochs (1 unless given) or iterations (1000 unless given), and at the end. */
  readonly valInterval?: number;
  /** The first epoch or iteration after which it may evaluate; 1 unless given. */
  readonly valBegin?: number;
  /** From the epoch or iteration on that comes first, evaluate at the interval that comes second: `[[90, 1]]`. */
  readonly dynamicIntervals?: readonly (readonly [from: number, interval: number])[];
  /** A loop of one's own, by its name in `trainLoops`. */
  readonly loop?: TypedConfig<TrainLoopTypes>;
}

/** How an evaluation computes. */
export interface EvaluationConfig {
  /** Its precision; that of `optimWrapper.amp` unless given. MMEngine's `fp16` is 'float16'. */
  readonly amp?: AmpSetting;
  /** The model's losses beside its metrics, as `loss` and its parts; not with test-time augmentation. The data must be labelled. */
  readonly loss?: boolean;
}

export const evaluationConfigSchema = z.strictObject({
  amp: ampSchema.exactOptional(),
  loss: z.boolean().exactOptional(),
});

const count = z.int().positive();

export const trainConfigSchema = z
  .strictObject({
    maxEpochs: count.exactOptional(),
    maxIters: count.exactOptional(),
    valInterval: count.exactOptional(),
    valBegin: count.exactOptional(),
    dynamicIntervals: z.array(z.tuple([count, count])).exactOptional(),
    loop: trainLoops.schema().exactOptional(),
  })
  .superRefine(({ maxEpochs, maxIters, dynamicIntervals = [] }, context) => {
    if ((maxEpochs === undefined) === (maxIters === undefined))
      context.addIssue({ code: 'custom', message: 'expected either maxEpochs or maxIters' });
    if (dynamicIntervals.some(([from], i) => from <= (dynamicIntervals[i - 1]?.[0] ?? 0)))
      context.addIssue({
        code: 'custom',
        path: ['dynamicIntervals'],
        message: 'expected positions in ascending order',
      });
  });
