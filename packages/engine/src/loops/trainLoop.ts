/**
 * The training loop: epochs of steps, one step always in flight.
 *
 * Step k + 1 is submitted before the loss of step k is read, so the device never waits for the host; whatever needs the state as it
 * is after step k (checkpoints, evaluation, the end) drains the pipe first.
 */

import { type HostTensor, hostTensor } from '@omma/core';
import type { Batch, DataLoader, SkippedSample } from '../data/types.ts';
import { stopOutput } from '../distributed/dataParallelStep.ts';
import type { Hook } from '../hooks/hook.ts';
import type { Progress, TrainingContext } from '../runner/context.ts';
import type { EvaluationEvent } from '../runner/events.ts';
import { lrInput, type TrainStep } from '../runner/trainStep.ts';
import { Stopwatch } from './stopwatch.ts';

export interface TrainLoopOptions {
  readonly step: TrainStep;
  readonly loader: DataLoader;
  /** Iterations of the whole run, and the learning rate at each. */
  readonly iterations: number;
  rateAt(iteration: number): number;
  /** Iterations that the smoothed loss looks back. */
  readonly smoothing: number;
  readonly valInterval: number;
  readonly progress: Progress;
  readonly context: Omit<TrainingContext, 'drain'>;
  readonly hooks: readonly Hook[];
  /** Ends training after a step. Null in a distributed run, where the ranks agree on the step by its output `stop`. */
  readonly signal: AbortSignal | null;
  /** Evaluates after an epoch; null when there is nothing to evaluate on. */
  evaluate: ((epoch: number) => Promise<EvaluationEvent>) | null;
  /** Called with a step whose loss is not finite; says why and throws. */
  failed(step: StepInput, loss: number): Promise<never>;
}

export interface StepInput {
  readonly batch: Batch;
  readonly epoch: number;
  /** One-based. */
  readonly iteration: number;
  readonly iterationInEpoch: number;
  readonly lr: number;
}

interface InFlight extends StepInput {
  readonly running: Promise<Record<string, HostTensor>>;
  readonly submitted: number;
  /** Time for which the device had nothing to do before this step. */
  readonly waited: number;
  settled: number | null;
}

export class TrainLoop {
  readonly #options: TrainLoopOptions;
  readonly #context: TrainingContext;
  readonly #stopwatch: Stopwatch;
  #epochStopwatch: Stopwatch;
  #inFlight: InFlight | null = null;
  #losses: number[] = [];
  #epochLoss = { sum: 0, steps: 0 };
  /** By name: a sample that stands in for a neighbour is met twice. */
  #skipped = new Map<string, SkippedSample>();
  #reported = 0;
  /** Iterations after which the ranks of a distributed run have agreed to stop. */
  #agreedEnd = Number.POSITIVE_INFINITY;

  constructor(options: TrainLoopOptions) {
    this.#options = options;
    this.#stopwatch = new Stopwatch(options.loader.samplesPerStep);
    this.#epochStopwatch = this.#stopwatch;
    this.#context = { ...options.context, drain: () => this.#drain() };
  }

  /** Trains to the end, or until the signal; true when it got to the end. `first` are the batches of the epoch to begin with. */
  async run(first: AsyncIterable<Batch>): Promise<boolean> {
    const { progress, context, hooks, loader } = this.#options;
    for (const hook of hooks) await hook.beforeTrain?.(this.#context);
    if (progress.evaluationDue) await this.#evaluation(progress.epoch - 1);
    let batches = first;
    while (progress.epoch < context.maxEpochs && !this.#stopped) {
      const epoch = progress.epoch;
      await this.#epoch(batches);
      if (progress.epoch === epoch) break;
      // The next epoch's first batches are decoded during this one's evaluation.
      if (progress.epoch < context.maxEpochs && !this.#stopped) batches = loader.epoch(progress.epoch);
      await this.#endOfEpoch(epoch);
    }
    await this.#drain();
    for (const hook of hooks) await hook.afterTrain?.(this.#context);
    return progress.epoch >= context.maxEpochs && !progress.evaluationDue;
  }

  get #stopped(): boolean {
    return this.#options.progress.iteration >= this.#agreedEnd || (this.#options.signal?.aborted ?? false);
  }

  /** Runs the rest of the current epoch; `progress` is at the next one afterwards unless it was stopped. */
  async #epoch(batches: AsyncIterable<Batch>): Promise<void> {
    const { progress, loader, hooks } = this.#options;
    this.#epochStopwatch = new Stopwatch(loader.samplesPerStep);
    this.#epochLoss = { sum: 0, steps: 0 };
    this.#skipped = new Map();
    this.#reported = performance.now();
    let asked = performance.now();
    for await (const batch of batches) {
      const before = this.#inFlight;
      this.#inFlight = this.#submit(batch, asked);
      progress.iteration++;
      progress.iterationInEpoch++;
      if (before !== null) await this.#report(before);
      if (progress.iterationInEpoch === loader.batchesPerEpoch) {
        progress.epoch++;
        progress.iterationInEpoch = 0;
        progress.evaluationDue = true;
      }
      for (const hook of hooks) await hook.afterTrainIteration?.(this.#context);
      if (this.#stopped) break;
      asked = performance.now();
    }
    await this.#drain();
  }

  async #endOfEpoch(epoch: number): Promise<void> {
    const { context, hooks } = this.#options;
    const { seconds, imagesPerSecond, dataWaitShare } = this.#epochStopwatch.total;
    const meanLoss = this.#epochLoss.sum / Math.max(1, this.#epochLoss.steps);
    context.emit({
      type: 'epoch',
      epoch,
      seconds,
      meanLoss,
      imagesPerSecond,
      dataWaitShare,
      skipped: [...this.#skipped.values()],
    });
    for (const hook of hooks) await hook.afterTrainEpoch?.(this.#context);
    await this.#evaluation(epoch);
  }

  /** The evaluation after an epoch, where the config wants one; a stopped run leaves it to the one that resumes it. */
  async #evaluation(epoch: number): Promise<void> {
    const { context, hooks, evaluate, valInterval, progress } = this.#options;
    if (this.#stopped) return;
    const wanted = progress.epoch % valInterval === 0 || progress.epoch === context.maxEpochs;
    const evaluation = evaluate !== null && wanted ? await evaluate(epoch) : null;
    progress.evaluationDue = false;
    if (evaluation !== null)
      for (const hook of hooks) await hook.afterEvaluation?.(this.#context, evaluation);
    for (const hook of hooks) await hook.afterEpoch?.(this.#context);
  }

  #submit(batch: Batch, asked: number): InFlight {
    const { progress, step } = this.#options;
    const submitted = performance.now();
    const lr = this.#options.rateAt(progress.iteration);
    const previous = this.#inFlight;
    const idleFrom = previous === null ? asked : Math.max(asked, previous.settled ?? submitted);
    const running = step({ ...batch.inputs, [lrInput]: hostTensor([], 'float32', Float32Array.of(lr)) });
    const entry: InFlight = {
      batch,
      epoch: progress.epoch,
      iteration: progress.iteration + 1,
      iterationInEpoch: progress.iterationInEpoch + 1,
      lr,
      running,
      submitted,
      waited: submitted - idleFrom,
      settled: null,
    };
    const settle = () => {
      entry.settled = performance.now();
    };
    running.then(settle, settle);
    return entry;
  }

  async #drain(): Promise<void> {
    const before = this.#inFlight;
    this.#inFlight = null;
    if (before !== null) await this.#report(before);
  }

  async #report(entry: InFlight): Promise<void> {
    const { loader, smoothing, context, iterations } = this.#options;
    const { loss: lossTensor, [stopOutput]: stop, ...rest } = await entry.running;
    const loss = lossTensor?.data[0] ?? Number.NaN;
    // A step later: by then every rank has had this report, whether it drains the pipe in between or not.
    if ((stop?.data[0] ?? 0) > 0) this.#agreedEnd = Math.min(this.#agreedEnd, entry.iteration + 1);
    if (!Number.isFinite(loss)) await this.#options.failed(entry, loss);
    const now = performance.now();
    const seconds = (now - this.#reported) / 1000;
    this.#reported = now;
    for (const watch of new Set([this.#stopwatch, this.#epochStopwatch]))
      watch.add(seconds, entry.waited / 1000);
    this.#losses = [...this.#losses.slice(1 - smoothing), loss].slice(-smoothing);
    this.#epochLoss = { sum: this.#epochLoss.sum + loss, steps: this.#epochLoss.steps + 1 };
    for (const sample of entry.batch.skipped) this.#skipped.set(sample.name, sample);
    const { epoch, iteration, iterationInEpoch, lr } = entry;
    context.emit({
      type: 'iteration',
      epoch,
      iteration,
      iterationInEpoch,
      iterationsPerEpoch: loader.batchesPerEpoch,
      iterationsTotal: iterations,
      loss,
      smoothedLoss: this.#losses.reduce((total, value) => total + value, 0) / this.#losses.length,
      scalars: Object.fromEntries(
        Object.entries(rest).map(([name, { data }]) => [name, data[0] ?? Number.NaN]),
      ),
      lr,
      seconds,
      dataSeconds: entry.waited / 1000,
      secondsLeft: this.#stopwatch.secondsPerStep * (iterations - iteration),
      ...this.#stopwatch.recent,
    });
  }
}
