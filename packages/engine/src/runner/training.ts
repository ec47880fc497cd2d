/** One training run of a Runner: its state, its step, its place in the schedule; made anew or from a checkpoint. */

import { DeviceError, type HostTensor, OmmaError } from '@omma/core';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { restore } from '../checkpoint/restore.ts';
import type { BatchLoader } from '../data/loader.ts';
import type { Batch, DataLoader } from '../data/types.ts';
import { broadcastVariables, checkEqual } from '../distributed/agreement.ts';
import { AgreementHook } from '../distributed/agreementHook.ts';
import { checkpointPlace, goOn, newestSince } from '../hooks/checkpointPlace.ts';
import type { HookList } from '../hooks/hookList.ts';
import { type TrainingLoop, trainLoops } from '../loops/registry.ts';
import { TrainLoop, type TrainLoopOptions } from '../loops/trainLoop.ts';
import { TrainPlan } from '../loops/trainPlan.ts';
import { TrainRecord } from '../loops/trainRecord.ts';
import { scalarInputs } from '../optim/hyperparameters.ts';
import { ParamSchedule } from '../schedule/paramSchedule.ts';
import { ParamSchedulerHook } from '../schedule/paramSchedulerHook.ts';
import { withoutRecomputation } from './activationCheckpointing.ts';
import type { Progress, TrainingContext } from './context.ts';
import { lossNotFinite } from './diagnose.ts';
import type { EndEvent, EvaluationEvent, Scalars } from './events.ts';
import { firstBatches, noBatches } from './firstBatches.ts';
import { resumedPosition } from './position.ts';
import { unscaledWarning } from './precision.ts';
import { required } from './required.ts';
import type { Runner } from './runner.ts';
import { runStep } from './runStep.ts';
import { scaledRate } from './scaledRate.ts';
import { saveSnapshot } from './snapshot.ts';
import { startEvent } from './startEvent.ts';
import { buildTrainState, type TrainState } from './trainState.ts';
import type { TrainStep } from './trainStep.ts';
import { unusedParameters, unusedWarning } from './unusedParameters.ts';

type InputTypes = Record<string, { shape: number[]; dtype: string }>;

export interface TrainingParts {
  readonly state: TrainState;
  readonly step: TrainStep;
  readonly plan: TrainPlan;
  readonly loader: DataLoader;
  readonly valLoader: BatchLoader | null;
  readonly hooks: HookList;
}

export class Training {
  readonly #runner: Runner;
  /** The runner's, and those that this run has besides. */
  readonly #hooks: HookList;
  readonly #state: TrainState;
  readonly #loader: BatchLoader;
  readonly #valLoader: BatchLoader | null;
  readonly #step: TrainStep;
  readonly #schedule: ParamSchedule;
  readonly #plan: TrainPlan;
  readonly #record: TrainRecord;
  readonly #accumulativeCounts: number;
  readonly #progress: Progress;
  readonly #resumedFrom: string | null;
  #metrics: Scalars;
  readonly #inputTypes: InputTypes;
  /** In milliseconds since 1970. */
  readonly #started = Date.now();

  private constructor(runner: Runner, checkpoint: Checkpoint | null, open: Runner['loader']) {
    const { valDataloader, paramScheduler = [] } = runner.config;
    const { trainDataloader, trainConfig, optimWrapper } = required(runner.config);
    this.#runner = runner;
    this.#hooks = runner.hooks.copy();
    this.#loader = open(trainDataloader, true);
    this.#valLoader = valDataloader === undefined ? null : open(valDataloader, false);
    this.#plan = new TrainPlan(trainConfig, this.#loader.batchesPerEpoch);
    this.#record = new TrainRecord(this.#loader, this.#plan, runner.logInterval);
    this.#hooks.add(this.#record);
    this.#accumulativeCounts = optimWrapper.accumulativeCounts ?? 1;
    const rate = scaledRate(runner.config, optimWrapper.optimizer.lr, this.#loader.samplesPerStep);
    if (rate.notice !== null) runner.emit({ type: 'notice', message: rate.notice });
    const { seed, amp } = runner;
    this.#state = buildTrainState(runner.model, optimWrapper, {
      seed,
      amp,
      capabilities: runner.device.capabilities,
      lr: rate.lr,
      schedulers: paramScheduler,
      activationCheckpointing: runner.config.activationCheckpointing,
    });
    const warning = unscaledWarning(runner.device, amp);
    if (warning !== null) runner.emit({ type: 'warning', message: warning });
    const idle = this.#state.recompute.length === 0 ? null : withoutRecomputation(runner.device);
    if (idle !== null) runner.emit({ type: 'warning', message: idle });
    this.#schedule = new ParamSchedule(this.#state.hyperparameters.values, paramScheduler, this.#plan);
    if (this.#schedule.watches) this.#hooks.add(new ParamSchedulerHook(this.#schedule));
    if (runner.distributed !== null)
      this.#hooks.add(new AgreementHook(runner.distributed, runner.config.distributed));
    let profiled = false;
    let profile: TrainStep['profile'] = () => [];
    for (const hook of this.#hooks.hooks) {
      hook.setUp?.({
        ...runner.context,
        state: this.#state,
        plan: this.#plan,
        add: (part) => this.#state.add(part),
        profile: () => {
          profiled = true;
          return () => profile();
        },
      });
    }
    this.#step = runStep(runner, this.#state, {
      device: runner.device,
      amp: runner.amp,
      clipGrad: optimWrapper.clipGrad ?? null,
      profile: profiled,
    });
    profile = () => this.#step.profile();
    const manifest = checkpoint?.manifest;
    this.#resumedFrom = checkpoint?.path ?? null;
    this.#metrics = manifest?.metrics ?? {};
    this.#progress = { epoch: 0, iterationInEpoch: 0, iteration: 0, evaluationDue: false };
    this.#inputTypes = { ...manifest?.inputs };
    if (checkpoint !== null) this.#hooks.loadState(checkpoint.manifest.hooks, checkpoint.path);
  }

  /** What the run works with, for those who only try it out: `checkRun`, `findLearningRate`. */
  get parts(): TrainingParts {
    return {
      hooks: this.#hooks,
      state: this.#state,
      step: this.#step,
      plan: this.#plan,
      loader: this.#loader,
      valLoader: this.#valLoader,
    };
  }

  /** What the step takes beside a batch: the schedules' first values, or the learning rate `lr` in place of theirs. */
  settings(lr?: number): Record<string, HostTensor> {
    const { values } = this.#state.hyperparameters;
    const first = this.#schedule.at(0);
    const base = values[0]?.initial ?? 1;
    const chosen = values.map(({ name, param, initial }): [string, number] => [
      name,
      lr !== undefined && param === 'lr' ? (lr * initial) / base : (first[name] ?? initial),
    ]);
    return scalarInputs(Object.fromEntries(chosen));
  }

  /** A new run, or the one that `checkpoint` was made by. */
  static async create(runner: Runner, checkpoint: Checkpoint | null): Promise<Training> {
    const loaders: BatchLoader[] = [];
    const open: Runner['loader'] = (config, isTraining) => {
      const loader = runner.loader(config, isTraining);
      loaders.push(loader);
      return loader;
    };
    let training: Training | null = null;
    try {
      training = new Training(runner, checkpoint, open);
      await training.#fill(checkpoint);
      return training;
    } catch (error) {
      if (training === null) await Promise.all(loaders.map((loader) => loader.dispose()));
      else if (!runner.broken) await training.dispose();
      throw error;
    }
  }

  /** The state of `checkpoint`, and that of rank 0 on every rank. */
  async #fill(checkpoint: Checkpoint | null): Promise<void> {
    const { isMain, distributed } = this.#runner;
    if (checkpoint !== null) {
      this.#takePosition(checkpoint);
      if (isMain) await this.#restore(checkpoint);
    }
    if (distributed === null) return;
    const variables = this.#state.variables();
    await distributed.guard(broadcastVariables(distributed.communicator, variables));
    await checkEqual(distributed.group, variables, 'at the start');
  }

  async #restore({ path, manifest, tensors }: Checkpoint): Promise<void> {
    const loaded = { path, manifest, tensors: new Map(tensors) };
    const { context } = this.#runner;
    await this.#hooks.each((hook) => hook.afterLoadCheckpoint?.(context, loaded));
    await restore(path, loaded.tensors, this.#state.variables());
  }

  async run(): Promise<EndEvent> {
    const started = performance.now();
    const finished = this.#plan.finished(this.#progress);
    const {
      first,
      batches,
      end: endBatches,
    } = finished ? noBatches : await firstBatches(this.#loader, this.#progress);
    try {
      return await this.#train(first, batches, started);
    } finally {
      await endBatches();
    }
  }

  async #train(first: Batch | null, batches: AsyncIterable<Batch>, started: number): Promise<EndEvent> {
    const runner = this.#runner;
    if (first !== null) await this.#begin(first).catch((error: unknown) => this.#broken(error));
    else runner.emit({ type: 'warning', message: this.#nothingLeft });
    const loop = this.#makeLoop({
      step: this.#step,
      loader: this.#loader,
      plan: this.#plan,
      settingsAt: (iteration) => this.#schedule.at(iteration),
      accumulativeCounts: this.#accumulativeCounts,
      record: this.#record,
      progress: this.#progress,
      context: {
        ...runner.context,
        state: this.#state,
        loader: this.#loader,
        progress: this.#progress,
        plan: this.#plan,
        metrics: () => this.#metrics,
        inputTypes: this.#inputTypes,
      },
      hooks: this.#hooks,
      save: (path, context) => saveSnapshot(path, context, this.#hooks, ranksOf(runner)),
      signal: runner.distributed === null ? (runner.options.signal ?? null) : null,
      evaluate: this.#evaluation(),
      failed: (input, loss) => lossNotFinite(this.#state, runner, input, loss),
    });
    const reason = await loop.run(batches).catch((error: unknown) => this.#broken(error));
    const end: EndEvent = {
      type: 'end',
      reason,
      iteration: this.#progress.iteration,
      seconds: (performance.now() - started) / 1000,
      lastCheckpoint: runner.checkpointHook.lastPath ?? this.#resumedFrom,
      bestCheckpoint: runner.checkpointHook.bestPath,
      metrics: this.#metrics,
    };
    runner.emit(end);
    await this.#hooks.each((hook) => hook.afterRun?.(runner.context, end));
    return end;
  }

  /** The loop that the config names, or the built-in one. */
  #makeLoop(options: TrainLoopOptions): TrainingLoop {
    const own = this.#runner.config.trainConfig?.loop;
    return own === undefined ? new TrainLoop(options) : trainLoops.build(own)(options);
  }

  /** How the loop evaluates; null when there is nothing to evaluate on. */
  #evaluation(): ((epoch: number, context: TrainingContext) => Promise<EvaluationEvent>) | null {
    const loader = this.#valLoader;
    const evaluate = loader === null ? null : this.#runner.evaluations.duringTraining(loader);
    if (evaluate === null) return null;
    return async (epoch, context) => {
      const evaluation = await evaluate({
        epoch,
        iteration: this.#progress.iteration,
        before: (batch) => this.#hooks.each((hook) => hook.beforeValIteration?.(context, batch)),
        after: ({ batch, outputs }) =>
          this.#hooks.each((hook) => hook.afterValIteration?.(context, batch, outputs)),
      });
      this.#metrics = evaluation.metrics;
      return evaluation;
    };
  }

  get #nothingLeft(): string {
    const { byEpoch, maxEpochs, maxIterations } = this.#plan;
    const length = byEpoch ? `${maxEpochs} epochs` : `${maxIterations} iterations`;
    return `${this.#resumedFrom} has all ${length} behind it, so nothing is left to train; raise trainConfig.${byEpoch ? 'maxEpochs' : 'maxIters'} to go on`;
  }

  /** The device failed, or a rank is lost: the error says besides what of the run is saved. Other errors stay as they are. */
  async #broken(error: unknown): Promise<never> {
    const rankLost = error instanceof OmmaError && this.#runner.distributed?.failed === true;
    if (!(error instanceof DeviceError) && !rankLost) throw error;
    const { checkpointHook } = this.#runner;
    // Which only rank 0 has written.
    const newest =
      checkpointHook.lastPath ?? (await newestSince(checkpointPlace(this.#runner), this.#started));
    const message = `${error.message}; ${goOn(newest ?? this.#resumedFrom)}`;
    throw rankLost ? new OmmaError(message, { cause: error }) : new DeviceError(message, { cause: error });
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#loader.dispose(), this.#valLoader?.dispose()]);
    this.#step.dispose();
    for (const variable of this.#state.runVariables()) variable.release();
  }

  /** Compiles the step and says what is about to happen. */
  async #begin(first: Batch): Promise<void> {
    const started = performance.now();
    for (const [name, { shape, dtype }] of Object.entries(first.inputs)) {
      this.#inputTypes[name] = { shape: shape.slice(1), dtype };
    }
    await this.#step.prepare({ ...first.inputs, ...this.#state.hyperparameters.types() });
    const unused = unusedWarning(unusedParameters(this.#state, first.inputs));
    if (unused !== null) this.#runner.emit({ type: 'warning', message: unused });
    const compileMs = performance.now() - started;
    this.#runner.emit(
      startEvent(this.#runner, {
        loader: this.#loader,
        valLoader: this.#valLoader,
        plan: this.#plan,
        progress: this.#progress,
        resumedFrom: this.#resumedFrom,
        compileMs,
      }),
    );
  }

  /** Goes to the checkpoint's place, which must mean something in this config's schedule. */
  #takePosition({ path, manifest }: Checkpoint): void {
    if (manifest.seed !== this.#runner.seed) {
      throw new OmmaError(
        `${path}: was trained with seed ${manifest.seed} but the config has ${this.#runner.seed}; resume with --seed ${manifest.seed}`,
      );
    }
    const { batchesPerEpoch, samplesPerStep } = this.#loader;
    const layout = { batchesPerEpoch, samplesPerStep, ranks: ranksOf(this.#runner) };
    const { progress, notice } = resumedPosition(path, manifest, layout);
    Object.assign(this.#progress, progress);
    if (notice !== null) this.#runner.emit({ type: 'notice', message: notice });
  }
}

function ranksOf({ distributed }: Runner): number {
  return distributed?.size ?? 1;
}
