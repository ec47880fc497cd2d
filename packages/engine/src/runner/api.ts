/**
 * The engine as the command line sees it: six calls. `Runner` implements `RunnerApi`.
 *
 *     const config = await loadConfig('configs/flowers.ts', { set: ['optimWrapper.optimizer.lr=0.05'] });
 *     const runner = await Runner.create(config, { workDir, resume: true, signal, onEvent });
 *     const end = await runner.train();
 */

import type { DistributedEnvironment } from '../distributed/environment.ts';
import type { Hook } from '../hooks/hook.ts';
import type { EvaluationStep } from '../loops/evaluationLoop.ts';
import type { CheckReport } from './check.ts';
import type { EndEvent, EvaluationEvent, RunnerListener } from './events.ts';
import type { LrFindOptions, LrFindResult } from './lrFind.ts';

export interface RunnerOptions {
  readonly onEvent?: RunnerListener;
  /** Aborting it ends training after the current step, with a checkpoint: Ctrl-C. */
  readonly signal?: AbortSignal;
  /** Goes on from the newest checkpoint in the work directory (true) or from the one named. */
  readonly resume?: boolean | string;
  /** Hooks of the caller's, beside the engine's own and the config's. */
  readonly hooks?: readonly Hook[];
  /** Takes the work directory from a run that seems to be alive: one whose main process was lost, and may hang. */
  readonly takeOver?: boolean;
  /** This process's place among several that train together (`distributedEnvironment(process.env)`); alone unless given. */
  readonly distributed?: DistributedEnvironment | null;
}

export interface TestOptions {
  readonly tta?: boolean;
  /** Who predicts in place of the model: one that somebody else compiled. */
  readonly step?: EvaluationStep;
}

export interface RunnerApi {
  train(): Promise<EndEvent>;
  /**
   * Evaluates on `testDataloader`, or `valDataloader`; with the weights of `checkpoint` when given, and by the config's test-time augmentation with
   * `tta`.
   */
  test(checkpoint?: string, options?: TestOptions): Promise<EvaluationEvent>;
  /** As `test`, on `valDataloader` in any case. */
  val(checkpoint?: string, options?: TestOptions): Promise<EvaluationEvent>;
  /** Tries out what `train` would do, without writing anything. */
  check(): Promise<CheckReport>;
  findLearningRate(options?: LrFindOptions): Promise<LrFindResult>;
  dispose(): Promise<void>;
}
