/**
 * The Runner: puts a config to work. It builds what the config names, connects it, and leaves the work to the loops.
 */

import { basename, resolve } from 'node:path';
import {
  type Device,
  device as deviceNamed,
  localDeviceName,
  type MixedPrecision,
  OmmaError,
} from '@omma/core';
import { codeOf, makeFolder } from '@omma/storage';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { datasets, models } from '../config/registries.ts';
import type { Config } from '../config/types.ts';
import { quickWarning } from '../data/check/checkDataset.ts';
import type { DataloaderConfig } from '../data/config.ts';
import { BatchLoader, defaultWorkers } from '../data/loader.ts';
import { Distributed } from '../distributed/distributed.ts';
import { synchronizeBatchNorm } from '../distributed/syncBatchNorm.ts';
import { broadcastText } from '../distributed/text.ts';
import { CheckpointHook } from '../hooks/checkpointHook.ts';
import { checkpointPlace, inFolderOf } from '../hooks/checkpointPlace.ts';
import { buildHook } from '../hooks/config.ts';
import type { Hook } from '../hooks/hook.ts';
import { type HookInfo, HookList } from '../hooks/hookList.ts';
import { defaultLogInterval, LoggerHook } from '../hooks/loggerHook.ts';
import type { Priority } from '../hooks/priority.ts';
import { VisualizationHook } from '../hooks/visualizationHook.ts';
import type { LoggedImage } from '../log/backend.ts';
import { copyLogs } from '../log/copyLogs.ts';
import { Visualizer } from '../log/visualizer.ts';
import type { RunnerApi, RunnerOptions, TestOptions } from './api.ts';
import { type CheckReport, checkRun } from './check.ts';
import type { RunContext } from './context.ts';
import { Evaluations } from './evaluations.ts';
import type { EndEvent, EvaluationEvent, RunnerEvent } from './events.ts';
import type { LoadFromOptions } from './loadFrom.ts';
import { findLearningRate, type LrFindOptions, type LrFindResult } from './lrFind.ts';
import type { TrainableModel } from './model.ts';
import { mixedPrecisionFor } from './precision.ts';
import { resumedCheckpoint } from './resume.ts';
import { Training } from './training.ts';
import { modelVariables } from './trainState.ts';
import { Weights } from './weights.ts';
import { WorkDirLock } from './workDirLock.ts';

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
  /** Writes the logs of a training run, on the main process; on the others where the config asks for it. */
  #visualizer: Visualizer | null = null;
  /** In the order in which they are called. */
  readonly hooks = new HookList();
  readonly checkpointHook: CheckpointHook;
  readonly evaluations: Evaluations;
  readonly #weights: Weights;
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
    this.evaluations = new Evaluations(this);
    this.#weights = new Weights(this);
    const { defaultHooks = {}, customHooks = [] } = config;
    this.checkpointHook = new CheckpointHook(defaultHooks.checkpoint);
    this.registerHook(this.checkpointHook);
    this.registerHook(
      new LoggerHook(defaultHooks.logger ?? {}, {
        flush: async () => this.#visualizer?.flush(),
        saveState: () => this.#visualizer?.saveState() ?? {},
        loadState: (state) => this.#visualizer?.loadState(state),
      }),
    );
    this.registerHook(
      new VisualizationHook(defaultHooks.visualization ?? {}, {
        addImage: (image) => this.#addImage(image),
        dataset: () => this.evaluations.dataset,
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
    const emit = (event: RunnerEvent) => this.emit(event);
    return { config, workDir, seed, device, model, isMain, emit, addImage: (image) => this.#addImage(image) };
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
      const cost = config.syncBn === true ? synchronizeBatchNorm(model, joined) : null;
      const runner = new Runner(config, options, model, device, joined);
      if (cost !== null && runner.isMain) runner.emit({ type: 'notice', message: cost });
      return runner;
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

  /** What runs are called: the config's `experimentName`, or the name of the work directory. */
  get experimentName(): string {
    return this.config.experimentName ?? basename(resolve(this.workDir));
  }

  /** Where log.jsonl and the files of other log backends (`vis_data`) go: a work directory has one run, so that is the work directory itself. */
  get logDir(): string {
    return this.workDir;
  }

  /** The hooks in the order in which they are called, with their priorities and the points at which they do something. */
  describeHooks(): readonly HookInfo[] {
    return this.hooks.info;
  }

  async train(): Promise<EndEvent> {
    if (this.isMain || this.config.visualizer?.logEveryRank === true) this.#visualizer = this.#openLog();
    let lock: WorkDirLock | null = null;
    let training: Training | null = null;
    try {
      await this.hooks.each((hook) => hook.beforeRun?.(this.context));
      training = await Training.create(this, await this.#start());
      if (this.isMain) {
        lock = await this.#takeWorkDir();
        training.parts.hooks.add(lock.hook);
      }
      const end = await training.run();
      await this.distributed?.finish();
      await this.#closeLog();
      return end;
    } catch (error) {
      // What ended the run is told; that its log could not be ended either would hide it. A run that has not the work directory writes nothing there.
      if (lock?.lost === false || !this.isMain) await this.#closeLog(error).catch(() => undefined);
      throw error;
    } finally {
      if (this.broken) this.#interrupted = training;
      else await training?.dispose();
      await lock?.release();
    }
  }

  /** Makes the work directory, and keeps other runs out of it. */
  async #takeWorkDir(): Promise<WorkDirLock> {
    await makeFolder(this.workDir).catch((error: unknown) => {
      throw new OmmaError(
        `${this.workDir}: cannot create the work directory (${codeOf(error) ?? String(error)}); choose another --work-dir`,
      );
    });
    return WorkDirLock.take(this.workDir, {
      evenIfHeld: this.options.takeOver ?? false,
      onWait: (message) => this.emit({ type: 'notice', message }),
    });
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

  /** Evaluates on `valDataloader` by `valEvaluator`, outside of training: hooks have the points of a test. */
  async val(checkpoint?: string, options: TestOptions = {}): Promise<EvaluationEvent> {
    return this.evaluations.run('val', checkpoint, options);
  }

  /** Evaluates on `testDataloader`, or `valDataloader`. With `tta`, by the config's test-time augmentation. */
  async test(checkpoint?: string, options: TestOptions = {}): Promise<EvaluationEvent> {
    return this.evaluations.run('test', checkpoint, options);
  }

  /** Gives the model the weights of `loadFrom`, or draws them from the seed, unless it has some already. `train` and `test` do it by themselves. */
  async firstWeights(): Promise<void> {
    await this.#weights.first();
  }

  /**
   * Gives the model the weights of a checkpoint, or of any weight file with its names, at a path or an address. With `strict: false` it keeps its first weights where
   * the file has none that fit, and says so in a warning.
   */
  async loadWeights(source: string | Checkpoint, options: LoadFromOptions = {}): Promise<void> {
    await this.#weights.load(source, options);
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

  /** Tells the listener and the log. */
  emit(event: RunnerEvent): void {
    this.options.onEvent?.(event);
    this.#visualizer?.add(event);
  }

  #addImage(image: Omit<LoggedImage, 'time' | 'step'>): void {
    if (this.isMain) this.#visualizer?.addImage(image);
  }

  #openLog(): Visualizer {
    const warn = (message: string) => this.emit({ type: 'warning', message });
    return new Visualizer({ workDir: this.workDir, config: this.config, warn }, this.logInterval, {
      rank: this.distributed?.rank ?? 0,
      deviceMemory: () => this.device.memory().peak,
    });
  }

  /** Ends the log, and copies it to where the config collects logs. */
  async #closeLog(error?: unknown): Promise<void> {
    if (this.#visualizer === null) return;
    await this.#visualizer.close(error);
    const { outDir } = this.config.defaultHooks?.logger ?? {};
    if (outDir !== undefined && this.isMain) await copyLogs(this.workDir, inFolderOf(outDir, this.workDir));
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
      this.evaluations.dispose();
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
    const checkpoint = this.isMain ? await resumedCheckpoint(resume, checkpointPlace(this), warn) : null;
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
