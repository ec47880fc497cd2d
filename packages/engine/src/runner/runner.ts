/**
 * The Runner: puts a config to work. It builds what the config names, connects it, and leaves the work to the loops.
 */

import {
  type CompiledFunction,
  type Device,
  device as deviceNamed,
  localDeviceName,
  type MixedPrecision,
  OmmaError,
} from '@omma/core';
import { initialize } from '@omma/nn';
import { codeOf, makeFolder } from '@omma/storage';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { loadModelWeights, modelWeights } from '../checkpoint/modelWeights.ts';
import { restore } from '../checkpoint/restore.ts';
import { datasets, models, ttaModels } from '../config/registries.ts';
import type { Config } from '../config/types.ts';
import { quickWarning } from '../data/check/checkDataset.ts';
import type { DataloaderConfig } from '../data/config.ts';
import { BatchLoader, defaultWorkers } from '../data/loader.ts';
import type { Dataset } from '../data/types.ts';
import { Distributed } from '../distributed/distributed.ts';
import { gatherPredictions, neededInputs } from '../distributed/gather.ts';
import { synchronizeBatchNorm } from '../distributed/syncBatchNorm.ts';
import { broadcastText } from '../distributed/text.ts';
import { buildEvaluator } from '../evaluation/config.ts';
import type { Evaluator } from '../evaluation/evaluator.ts';
import { CheckpointHook } from '../hooks/checkpointHook.ts';
import { buildHook } from '../hooks/config.ts';
import type { Hook } from '../hooks/hook.ts';
import { HookList } from '../hooks/hookList.ts';
import { defaultLogInterval, LoggerHook } from '../hooks/loggerHook.ts';
import type { Priority } from '../hooks/priority.ts';
import { VisualizationHook } from '../hooks/visualizationHook.ts';
import { Visualizer } from '../log/visualizer.ts';
import { type EvaluationLoopOptions, type EvaluationStep, evaluationLoop } from '../loops/evaluationLoop.ts';
import type { RunnerApi, RunnerOptions, TestOptions } from './api.ts';
import { type CheckReport, checkRun } from './check.ts';
import type { RunContext } from './context.ts';
import { compileEvaluationStep } from './evaluationStep.ts';
import type { EndEvent, EvaluationEvent, RunnerEvent } from './events.ts';
import { type LoadFromOptions, restoreFitting, revisedNames } from './loadFrom.ts';
import { findLearningRate, type LrFindOptions, type LrFindResult } from './lrFind.ts';
import type { TrainableModel, TtaModel } from './model.ts';
import { mixedPrecisionFor } from './precision.ts';
import { resumedCheckpoint } from './resume.ts';
import { Training } from './training.ts';
import { modelVariables } from './trainState.ts';

/** Where an evaluation stands in a run, and who predicts; the model itself unless `step` is given. */
type EvaluationPlace = Pick<EvaluationLoopOptions, 'epoch' | 'iteration' | 'before' | 'after'> &
  Partial<Pick<EvaluationLoopOptions, 'step'>>;

export class Runner implements RunnerApi {
  readonly config: Config;
  readonly model: TrainableModel;
  readonly device: Device;
  readonly amp: MixedPrecision | null;
  readonly seed: number;
  readonly workDir: string;
  readonly options: RunnerOptions;
  /** This process's part in a distributed run; null when it is alone. */
  readonly distributed: Distributed | null;
  /** Writes the logs of a training run, on the main process. */
  #visualizer: Visualizer | null = null;
  /** In the order in which they are called. */
  readonly hooks = new HookList();
  readonly checkpointHook: CheckpointHook;
  #evaluationStep: CompiledFunction | null = null;
  /** What is being evaluated, or was last. */
  #evaluated: Dataset | null = null;
  #tta: TtaModel | null = null;
  #hasWeights = false;
  /** The training that another rank's end has ended: it goes when the device no longer waits for that rank. */
  #interrupted: Training | null = null;
  #disposed = false;

  private constructor(
    config: Config,
    options: RunnerOptions,
    model: TrainableModel,
    device: Device,
    distributed: Distributed | null,
  ) {
    this.config = config;
    this.options = options;
    this.model = model;
    this.device = device;
    this.distributed = distributed;
    this.amp = mixedPrecisionFor(this.device, config.optimWrapper?.amp ?? 'off');
    this.seed = config.randomness?.seed ?? 0;
    this.workDir = config.workDir ?? 'work_dirs/run';
    const { defaultHooks = {}, customHooks = [] } = config;
    this.checkpointHook = new CheckpointHook(defaultHooks.checkpoint);
    this.registerHook(this.checkpointHook);
    this.registerHook(new LoggerHook(defaultHooks.logger ?? {}, () => this.flushLog()));
    this.registerHook(
      new VisualizationHook(defaultHooks.visualization ?? {}, {
        addImage: (image) => this.#visualizer?.addImage(image),
        dataset: () => this.#evaluated,
      }),
    );
    for (const custom of customHooks) {
      const { hook, priority } = buildHook(custom);
      this.registerHook(hook, priority);
    }
    for (const hook of options.hooks ?? []) this.registerHook(hook);
  }

  /** Adds a hook; before `train` or `test`. `priority` wins over the hook's own. */
  registerHook(hook: Hook, priority?: Priority): void {
    this.hooks.add(hook, priority);
  }

  /** What hooks see outside of training. */
  get context(): RunContext {
    const { config, workDir, seed, device, model, isMain } = this;
    return { config, workDir, seed, device, model, isMain, emit: (event) => this.emit(event) };
  }

  /** Builds the model of a checked config. Its weights come when they are needed: see `firstWeights`. */
  static async create(config: Config, options: RunnerOptions = {}): Promise<Runner> {
    const model = models.build(config.model);
    model.assignNames();
    const { distributed = null } = options;
    if (distributed === null) return new Runner(config, options, model, deviceNamed(config.device), null);
    const device = deviceNamed(localDeviceName(config.device ?? 'auto', distributed.localRank));
    const joined = await Distributed.start(distributed, device);
    try {
      if (config.syncBn === true) synchronizeBatchNorm(model, joined);
      return new Runner(config, options, model, device, joined);
    } catch (error) {
      await joined.dispose();
      throw error;
    }
  }

  /** True on the one process of a run that reads checkpoints and writes files. */
  get isMain(): boolean {
    return this.distributed?.isMain ?? true;
  }

  get logInterval(): number {
    return this.config.defaultHooks?.logger?.interval ?? defaultLogInterval;
  }

  async train(): Promise<EndEvent> {
    if (this.isMain) this.#visualizer = this.#openLog();
    await this.hooks.each((hook) => hook.beforeRun?.(this.context));
    const checkpoint = await this.#start();
    const training = await Training.create(this, checkpoint);
    if (this.isMain) {
      await makeFolder(this.workDir).catch((error: unknown) => {
        throw new OmmaError(
          `${this.workDir}: cannot create the work directory (${codeOf(error) ?? String(error)}); choose another --work-dir`,
        );
      });
    }
    try {
      const end = await training.run();
      await this.distributed?.finish();
      await this.#visualizer?.close();
      return end;
    } catch (error) {
      // What ended the run is told; that its log could not be ended either would hide it.
      await this.#visualizer?.close(error).catch(() => undefined);
      throw error;
    } finally {
      if (this.broken) this.#interrupted = training;
      else await training.dispose();
    }
  }

  /** Tries out what `train` would do, without writing anything: see `checkRun`. Not for distributed runs. */
  async check(): Promise<CheckReport> {
    return this.#tryOut('check', (training) => checkRun(this, training));
  }

  /** Looks for a good learning rate: see `findLearningRate`. Writes nothing; the model's weights are spoilt afterwards. */
  async findLearningRate(options: LrFindOptions = {}): Promise<LrFindResult> {
    return this.#tryOut('lr-find', (training) => findLearningRate(training, options));
  }

  async #tryOut<T>(what: string, run: (training: Training) => Promise<T>): Promise<T> {
    if (this.distributed !== null)
      throw new OmmaError(`${what}: runs in one process; start it without launch`);
    await this.firstWeights();
    const training = await Training.create(this, null);
    try {
      return await run(training);
    } finally {
      await training.dispose();
    }
  }

  /** Evaluates on `testDataloader`, or `valDataloader`. With `tta`, by the config's test-time augmentation. */
  async test(checkpoint?: string, { tta = false, step }: TestOptions = {}): Promise<EvaluationEvent> {
    if (tta && this.config.ttaModel === undefined) {
      throw new OmmaError(
        "test: the config has no ttaModel; add one, such as { type: 'AverageClsScoreTTA', flip: true }",
      );
    }
    this.#tta = tta && this.config.ttaModel !== undefined ? ttaModels.build(this.config.ttaModel) : null;
    const loader = this.config.testDataloader ?? this.config.valDataloader;
    if (loader === undefined)
      throw new OmmaError('test: the config has neither testDataloader nor valDataloader; add one');
    const evaluator = this.evaluator(this.config.testEvaluator);
    if (evaluator.isEmpty)
      throw new OmmaError('test: the config has no valEvaluator, so there is nothing to measure; add one');
    const { context, hooks } = this;
    await hooks.each((hook) => hook.beforeRun?.(context));
    if (checkpoint !== undefined) await this.loadWeights(checkpoint);
    else if (step === undefined) await this.firstWeights();
    await hooks.each((hook) => hook.beforeTest?.(context));
    const batches = this.loader(loader, false);
    try {
      const evaluation = await this.evaluate(batches, evaluator, {
        epoch: null,
        iteration: null,
        before: (batch) => hooks.each((hook) => hook.beforeTestIteration?.(context, batch)),
        after: ({ batch, outputs }) =>
          hooks.each((hook) => hook.afterTestIteration?.(context, batch, outputs)),
        ...(step === undefined ? {} : { step }),
      });
      await hooks.each((hook) => hook.afterTest?.(context, evaluation));
      await hooks.each((hook) => hook.afterRun?.(context, null));
      await this.distributed?.finish();
      return evaluation;
    } finally {
      await batches.dispose();
    }
  }

  /** Gives the model the weights of `loadFrom`, or draws them from the seed, unless it has some already. `train` and `test` do it by themselves. */
  async firstWeights(): Promise<void> {
    if (this.#hasWeights) return;
    const { loadFrom } = this.config;
    if (typeof loadFrom === 'string') return this.loadWeights(loadFrom);
    if (loadFrom !== undefined) return this.loadWeights(loadFrom.checkpoint, loadFrom);
    await initialize(this.model, this.seed);
    this.#hasWeights = true;
  }

  /**
   * Gives the model the weights of a checkpoint, or of any weight file with its names. With `strict: false` it keeps its first weights where
   * the file has none that fit, and says so in a warning.
   */
  async loadWeights(source: string | Checkpoint, options: LoadFromOptions = {}): Promise<void> {
    const path = typeof source === 'string' ? source : source.path;
    const weights =
      typeof source === 'string' ? await loadModelWeights(source) : modelWeights(source.tensors);
    const revised = revisedNames(weights, options);
    const variables = modelVariables(this.model);
    if (options.strict === false) {
      await initialize(this.model, this.seed);
      const left = await restoreFitting(path, revised, variables);
      if (left !== null) this.emit({ type: 'warning', message: left });
    } else await restore(path, revised, variables);
    this.#hasWeights = true;
  }

  /** A loader over the data set that `config` names. */
  loader(config: DataloaderConfig, training: boolean): BatchLoader {
    const { dataset: datasetConfig, ...options } = config;
    const dataset = datasets.build(datasetConfig);
    this.model.checkDataset?.(dataset);
    const missing = this.isMain ? quickWarning(dataset) : null;
    if (missing !== null) this.emit({ type: 'warning', message: missing });
    const { rank, size } = this.distributed ?? { rank: 0, size: 1 };
    const shared = { training, seed: this.seed, shard: { rank, size }, numWorkers: defaultWorkers() };
    return new BatchLoader(dataset, { ...shared, ...options });
  }

  evaluator(configs = this.config.valEvaluator): Evaluator {
    return buildEvaluator(configs);
  }

  /** The model's own predictions, compiled once. */
  #ownStep(): EvaluationStep {
    this.#evaluationStep ??= compileEvaluationStep(this.model, this.device, this.amp, this.#tta);
    return this.#evaluationStep;
  }

  evaluate(
    loader: BatchLoader,
    evaluator: Evaluator,
    { step = this.#ownStep(), ...where }: EvaluationPlace,
  ): Promise<EvaluationEvent> {
    this.#evaluated = loader.dataset;
    const { distributed } = this;
    return evaluationLoop({
      step,
      loader,
      evaluator,
      isMain: this.isMain,
      ...where,
      ...(distributed === null
        ? {}
        : {
            gather: (own) =>
              distributed.guard(
                gatherPredictions(distributed.communicator, own, neededInputs(evaluator.metrics, own.batch)),
              ),
          }),
      emit: (event) => this.emit(event),
    });
  }

  /** Tells the listener and the log. */
  emit(event: RunnerEvent): void {
    this.options.onEvent?.(event);
    this.#visualizer?.add(event);
  }

  /** Writes what the log has gathered. */
  async flushLog(): Promise<void> {
    await this.#visualizer?.flush();
  }

  #openLog(): Visualizer {
    const warn = (message: string) => this.emit({ type: 'warning', message });
    return new Visualizer({ workDir: this.workDir, config: this.config, warn }, this.logInterval);
  }

  /** True when another rank is gone. The device may wait for it then, so nothing may be asked of the device but to be left alone. */
  get broken(): boolean {
    return this.distributed?.failed ?? false;
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    const { broken } = this;
    // What waits for a rank that is gone ends with the communicator, unless the device itself waits.
    if (broken) await this.distributed?.dispose();
    if (!broken || this.device.connect === undefined) {
      await this.#interrupted?.dispose();
      this.#evaluationStep?.dispose();
      await this.device.synchronize();
      for (const variable of modelVariables(this.model)) variable.release();
    }
    if (!broken) await this.distributed?.dispose();
  }

  /** First weights, or the checkpoint to go on from. In a distributed run only the main process has them; the others get the state from it. */
  async #start(): Promise<Checkpoint | null> {
    if (this.isMain) this.#warnOfSlowCollectives();
    const { resume = this.config.resume ?? false } = this.options;
    const warn = (message: string) => this.emit({ type: 'warning', message });
    const checkpoint = this.isMain ? await resumedCheckpoint(resume, this.workDir, warn) : null;
    if (this.isMain && checkpoint === null) await this.firstWeights();
    if (this.distributed === null) return checkpoint;
    const { group } = this.distributed;
    const place = checkpoint === null ? null : { path: checkpoint.path, manifest: checkpoint.manifest };
    const text = await broadcastText(group, JSON.stringify(place));
    if (this.isMain) return checkpoint;
    const received: Omit<Checkpoint, 'tensors'> | null = JSON.parse(text);
    return received === null ? null : { ...received, tensors: new Map() };
  }

  #warnOfSlowCollectives(): void {
    const message = this.distributed?.warning ?? null;
    if (message !== null) this.emit({ type: 'warning', message });
  }
}
