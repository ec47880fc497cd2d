/** Evaluation: every batch through the evaluation step, its predictions to the metrics. One batch is in flight while the last is counted. */

import type { HostTensor } from '@omma/core';
import type { Batch, DataLoader, SkippedSample } from '../data/types.ts';
import type { Predictions } from '../distributed/gather.ts';
import type { Evaluator } from '../evaluation/evaluator.ts';
import { isLossOutput } from '../runner/evaluationStep.ts';
import type { EvaluationEvent, RunnerEvent } from '../runner/events.ts';
import { ValidationLosses, withLosses } from './validationLosses.ts';

/** A compiled evaluation step. */
export type EvaluationStep = (
  inputs: Readonly<Record<string, HostTensor>>,
) => Promise<Record<string, HostTensor>>;

export interface EvaluationLoopOptions {
  readonly step: EvaluationStep;
  readonly loader: DataLoader;
  readonly evaluator: Evaluator;
  /** Whether metrics may write files. */
  readonly isMain: boolean;
  /** Zero-based epoch of the last step, and steps done; null outside of training. */
  readonly epoch: number | null;
  readonly iteration: number | null;
  /** In a distributed run: the ranks' predictions of a step, in rank order. */
  readonly gather?: (predictions: Predictions) => Promise<Predictions[]>;
  /** In a distributed run: the ranks' texts, in rank order. */
  readonly gatherText?: (text: string) => Promise<string[]>;
  /** Whether the step gives losses beside predictions. */
  readonly losses?: boolean;
  /** Called around every batch: hooks. */
  readonly before?: (batch: Batch) => Promise<void>;
  readonly after?: (predictions: Predictions) => Promise<void>;
  emit(event: RunnerEvent): void;
}

/** Runs one evaluation and reports it. */
export async function evaluationLoop({
  step,
  loader,
  evaluator,
  isMain,
  epoch,
  iteration,
  gather = async (predictions) => [predictions],
  gatherText,
  losses: withLoss = false,
  before: beforeBatch,
  after,
  emit,
}: EvaluationLoopOptions): Promise<EvaluationEvent> {
  const started = performance.now();
  const skipped: SkippedSample[] = [];
  let samples = 0;
  let done = 0;
  const losses = withLoss ? new ValidationLosses() : null;
  evaluator.reset();
  const count = async (batch: Batch, running: Promise<Record<string, HostTensor>>) => {
    const found = await running;
    await losses?.add(batch, found, step);
    const own = { outputs: losses === null ? found : predictionsOf(found), batch };
    await after?.(own);
    for (const one of await gather(own)) {
      evaluator.update(one.outputs, one.batch);
      samples += one.batch.count;
      skipped.push(...one.batch.skipped);
    }
    emit({ type: 'evaluationProgress', done: ++done, total: loader.batchesPerEpoch });
  };
  let before: Promise<void> | null = null;
  for await (const batch of loader.epoch(0)) {
    await beforeBatch?.(batch);
    const running = step(batch.inputs);
    running.catch(() => undefined);
    await before;
    before = count(batch, running);
    before.catch(() => undefined);
  }
  await before;
  const metrics = evaluator.compute();
  const event: EvaluationEvent = {
    type: 'evaluation',
    epoch,
    iteration,
    metrics: losses === null ? metrics : withLosses(metrics, await losses.means(gatherText ?? null)),
    seconds: (performance.now() - started) / 1000,
    samples,
    skipped,
    details: evaluator.details(),
  };
  if (isMain) await evaluator.save();
  emit(event);
  return event;
}

function predictionsOf(outputs: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> {
  return Object.fromEntries(Object.entries(outputs).filter(([name]) => !isLossOutput(name)));
}
