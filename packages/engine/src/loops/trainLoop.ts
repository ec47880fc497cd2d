/**
 * The training loop: steps in passes over the data, one step always in flight.
 *
 * Step k + 1 is submitted before the loss of step k is read, so the device never waits for the host; whatever needs the state as it
 * is after step k (checkpoints, evaluation, the end) drains the pipe first. Runs by epochs and by iterations are the same loop: the plan
 * says where it ends and where it evaluates.
 */

import { type HostTensor, OmmaError } from '@omma/core';
import type { Batch, DataLoader } from '../data/types.ts';
import { stopOutput } from '../distributed/stepTensors.ts';
import type { HookList } from '../hooks/hookList.ts';
import { lrInput, scalarInputs } from '../optim/hyperparameters.ts';
import type { Progress, TrainingContext } from '../runner/context.ts';
import type { EvaluationEvent } from '../runner/events.ts';
import type { TrainStep } from '../runner/trainStep.ts';
import type { TrainingLoop } from './registry.ts';
import type { TrainPlan } from './trainPlan.ts';
import type { TrainRecord } from './trainRecord.ts';

export interface TrainLoopOptions {
  readonly step: TrainStep;
  readonly loader: DataLoader;
  readonly plan: TrainPlan;
  /** What schedules say at an iteration, counted from 0, by the names of the step's inputs. */
  settingsAt(iteration: number): Readonly<Record<string, number>>;
  /** Batches to an update. */
  readonly accumulativeCounts: number;
  readonly record: TrainRecord;
  readonly progress: Progress;
  readonly context: Omit<TrainingContext, 'drain' | 'stop' | 'saveCheckpoint'>;
  readonly hooks: HookList;
  /** Writes the run to a file. */
  save(path: string, context: TrainingContext): Promise<void>;
  /** Ends training after a step. Null in a distributed run, where the ranks agree on the step by its output `stop`. */
  readonly signal: AbortSignal | null;
  /** Evaluates; null when there is nothing to evaluate on. `epoch` is the zero-based one that the last step belonged to. */
  readonly evaluate: ((epoch: number, context: TrainingContext) => Promise<EvaluationEvent>) | null;
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

/** A step that is on the device or about to be. */
export interface InFlight extends StepInput {
  readonly running: Promise<Record<string, HostTensor>>;
  readonly submitted: number;
  /** Time for which the device had nothing to do before this step. */
  readonly waited: number;
  settled: number | null;
}

/** How a loop ended. */
export type LoopEnd = 'finished' | 'stopped' | 'interrupted';

/** The loop that is built in. What a loop of one's own may want to do otherwise is protected: see `trainLoops`. */
export class TrainLoop implements TrainingLoop {
  protected readonly options: TrainLoopOptions;
  readonly context: TrainingContext;
  readonly #record: TrainRecord;
  #inFlight: InFlight | null = null;
  readonly #released = new WeakSet<Batch>();
  /** Iterations after which the ranks of a distributed run have agreed to stop. */
  #agreedEnd = Number.POSITIVE_INFINITY;
  /** Set by a hook that ended the run. */
  #stopReason: string | null = null;

  constructor(options: TrainLoopOptions) {
    this.options = options;
    this.#record = options.record;
    this.context = {
      ...options.context,
      drain: () => this.#drain(),
      saveCheckpoint: (path) => options.save(path, this.context),
      stop: (reason) => {
        this.#stopReason ??= reason;
      },
    };
  }

  /** Trains to the end, until a hook stops it, or until the signal. `first` are the batches of the epoch to begin with. */
  async run(first: AsyncIterable<Batch>): Promise<LoopEnd> {
    const { progress, plan, hooks } = this.options;
    await hooks.each((hook) => hook.beforeTrain?.(this.context));
    if (progress.evaluationDue) {
      await this.evaluation();
      if (progress.iterationInEpoch === 0) await hooks.each((hook) => hook.afterEpoch?.(this.context));
    }
    let batches = first;
    try {
      while (!plan.finished(progress) && !this.#stopped) {
        const epoch = progress.epoch;
        await this.epoch(batches);
        if (progress.epoch === epoch) break;
        // The next epoch's first batches are decoded during this one's evaluation.
        if (!plan.finished(progress) && !this.#stopped) batches = this.batchesOf(progress.epoch);
        await this.endOfEpoch(epoch);
      }
    } finally {
      // Those of an epoch that never began, because the run ended before.
      if (batches !== first) await batches[Symbol.asyncIterator]().return?.();
    }
    await this.#drain();
    await hooks.each((hook) => hook.afterTrain?.(this.context));
    if (plan.finished(progress) && !progress.evaluationDue) return 'finished';
    if (this.#stopReason === null) return 'interrupted';
    this.context.emit({ type: 'notice', message: `training stopped: ${this.#stopReason}` });
    return 'stopped';
  }

  /** The batches of a later epoch than the one to begin with: whole passes, as many as the plan counts. One may come twice in a row; see `release`. */
  protected batchesOf(epoch: number): AsyncIterable<Batch> {
    return this.options.loader.epoch(epoch);
  }

  /** Called when the last step on a batch is reported: its memory is the loader's again. A loop that shows a batch once more later does not let go of it here. */
  protected release(batch: Batch): void {
    this.options.loader.recycle?.(batch);
    this.#released.add(batch);
  }

  get #stopped(): boolean {
    return this.#stopReason !== null || this.#interrupted;
  }

  get #interrupted(): boolean {
    return this.options.progress.iteration >= this.#agreedEnd || (this.options.signal?.aborted ?? false);
  }

  /** Runs the rest of the current epoch; `progress` is at the next one afterwards unless it was stopped. */
  protected async epoch(batches: AsyncIterable<Batch>): Promise<void> {
    const { progress, loader, hooks, plan } = this.options;
    this.#record.beginEpoch(progress.iterationInEpoch > 0);
    await hooks.each((hook) => hook.beforeTrainEpoch?.(this.context));
    let asked = performance.now();
    for await (const batch of batches) {
      await hooks.each((hook) => hook.beforeTrainIteration?.(this.context, batch));
      const before = this.#inFlight;
      this.#inFlight = this.#submit(batch, asked);
      progress.iteration++;
      progress.iterationInEpoch++;
      if (before !== null) await this.#report(before);
      const endOfEpoch = progress.iterationInEpoch === loader.batchesPerEpoch;
      if (endOfEpoch) {
        progress.epoch++;
        progress.iterationInEpoch = 0;
      }
      if (plan.evaluatesAfter(progress)) progress.evaluationDue = true;
      await hooks.each((hook) => hook.afterTrainIteration?.(this.context));
      if (endOfEpoch) break;
      if (progress.evaluationDue) await this.evaluation();
      if (this.#stopped || plan.finished(progress)) break;
      asked = performance.now();
    }
    await this.#drain();
  }

  protected async endOfEpoch(epoch: number): Promise<void> {
    const { context, hooks } = this.options;
    context.emit(this.#record.endEpoch(epoch));
    await hooks.each((hook) => hook.afterTrainEpoch?.(this.context));
    await this.evaluation();
    if (!this.#interrupted) await hooks.each((hook) => hook.afterEpoch?.(this.context));
  }

  /** The evaluation that is due; an interrupted run leaves it to the one that resumes it. */
  protected async evaluation(): Promise<void> {
    const { hooks, evaluate, progress } = this.options;
    if (!progress.evaluationDue || this.#interrupted) return;
    await this.#drain();
    if (evaluate !== null) {
      const epoch = progress.iterationInEpoch === 0 ? progress.epoch - 1 : progress.epoch;
      await hooks.each((hook) => hook.beforeVal?.(this.context));
      const evaluation = await evaluate(epoch, this.context);
      progress.evaluationDue = false;
      await hooks.each((hook) => hook.afterVal?.(this.context, evaluation));
    }
    progress.evaluationDue = false;
    this.#record.resume();
  }

  #submit(batch: Batch, asked: number): InFlight {
    const { progress, step, accumulativeCounts, plan } = this.options;
    if (this.#released.has(batch)) {
      throw new OmmaError(
        'train loop: a batch came again after its memory was given back; a loop that keeps batches overrides `release`',
      );
    }
    const submitted = performance.now();
    const settings = this.options.settingsAt(progress.iteration);
    const { [lrInput]: lr = Number.NaN } = settings;
    const previous = this.#inFlight;
    const idleFrom = previous === null ? asked : Math.max(asked, previous.settled ?? submitted);
    const iteration = progress.iteration + 1;
    // What is left over at the end of the run is an update of its own.
    const updates = iteration % accumulativeCounts === 0 || iteration === plan.maxIterations;
    const running = step({ ...batch.inputs, ...scalarInputs(settings) }, updates);
    const entry: InFlight = {
      batch,
      epoch: progress.epoch,
      iteration,
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
    const { context, hooks } = this.options;
    const { loss: lossTensor, [stopOutput]: stop, ...rest } = await entry.running;
    const loss = lossTensor?.data[0] ?? Number.NaN;
    // A step later: by then every rank has had this report, whether it drains the pipe in between or not.
    if ((stop?.data[0] ?? 0) > 0) this.#agreedEnd = Math.min(this.#agreedEnd, entry.iteration + 1);
    if (!Number.isFinite(loss)) await this.options.failed(entry, loss);
    const event = this.#record.step(entry, loss, rest);
    context.emit(event);
    await hooks.each((hook) => hook.afterTrainOutputs?.(this.context, event));
    if (this.#inFlight?.batch !== entry.batch) this.release(entry.batch);
  }
}
