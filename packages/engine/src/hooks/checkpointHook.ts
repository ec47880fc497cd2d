/**
 * CheckpointHook: saves the run every so many epochs or iterations, when it ends, and keeps the newest few and the best.
 *
 * The best one is a file of its own (`best.safetensors`), so that deleting old ones never touches it.
 */

import { join } from 'node:path';
import { OmmaError } from '@omma/core';
import { type ManifestContent, saveCheckpoint } from '../checkpoint/checkpoint.ts';
import { bestName, checkpointName, prune } from '../checkpoint/folder.ts';
import type { Manifest } from '../checkpoint/manifest.ts';
import { nearest } from '../config/nearest.ts';
import type { CheckpointHookConfig } from '../config/types.ts';
import type { TrainingContext } from '../runner/context.ts';
import type { EvaluationEvent } from '../runner/events.ts';
import { downloadAll } from '../runner/trainState.ts';
import { version } from '../version.ts';
import type { Hook } from './hook.ts';

export class CheckpointHook implements Hook {
  readonly #config: CheckpointHookConfig;
  #best: Manifest['best'];
  #last: { iteration: number } | null = null;
  #lastPath: string | null = null;
  #bestIsNew = false;
  /** What is wrong with `saveBest`: told after the next checkpoint, so that nothing is lost when the run ends on it. */
  #mistake: string | null = null;

  /** `best` is what a resumed run had. */
  constructor(config: CheckpointHookConfig, best: Manifest['best'] = null) {
    this.#config = config;
    this.#best = best;
  }

  get lastPath(): string | null {
    return this.#lastPath;
  }

  get bestPath(): string | null {
    return this.#best?.path ?? null;
  }

  async afterTrainIteration(context: TrainingContext): Promise<void> {
    const { intervalIterations } = this.#config;
    if (intervalIterations === undefined || context.progress.iteration % intervalIterations !== 0) return;
    await this.#save(context);
  }

  async afterEvaluation(context: TrainingContext, { metrics }: EvaluationEvent): Promise<void> {
    // What is saved at this iteration from now on knows more than what was saved before.
    this.#last = null;
    const { saveBest = 'auto', rule } = this.#config;
    const metric = saveBest === 'auto' ? Object.keys(metrics)[0] : saveBest;
    if (metric === undefined || metric === null) return;
    const value = metrics[metric];
    if (value === undefined) {
      const known = Object.keys(metrics);
      const close = nearest(metric, known);
      this.#mistake =
        `defaultHooks.checkpoint.saveBest is ${metric}, but the evaluation gives ${known.join(', ') || 'no metric'}` +
        `${close === null ? '' : `; did you mean ${close}?`}`;
      return;
    }
    const direction = (rule ?? (/loss|error/.test(metric) ? 'less' : 'greater')) === 'greater' ? 1 : -1;
    if (this.#best !== null && this.#best.metric === metric && direction * (value - this.#best.value) <= 0)
      return;
    this.#best = { metric, value, path: join(context.workDir, bestName) };
    this.#bestIsNew = true;
  }

  async afterEpoch(context: TrainingContext): Promise<void> {
    const { epoch } = context.progress;
    const due = epoch % (this.#config.interval ?? 1) === 0 || epoch === context.maxEpochs;
    if (due || this.#bestIsNew || this.#mistake !== null) await this.#save(context);
    if (this.#mistake !== null) throw new OmmaError(`${this.#mistake}; correct it and go on with --resume`);
  }

  async afterTrain(context: TrainingContext): Promise<void> {
    await this.#save(context);
  }

  async #save(context: TrainingContext): Promise<void> {
    const { iteration, epoch } = context.progress;
    if (this.#last?.iteration === iteration && !this.#bestIsNew) return;
    await context.drain();
    const tensors = await downloadAll(context.state.variables());
    const content = this.#content(context);
    const best = this.#bestIsNew ? this.#best : null;
    if (best !== null) {
      await saveCheckpoint(best.path, tensors, content);
      this.#bestIsNew = false;
      context.emit({ type: 'checkpoint', path: best.path, epoch, iteration, best: true });
    }
    const path = join(context.workDir, checkpointName(iteration));
    await saveCheckpoint(path, tensors, content);
    this.#last = { iteration };
    this.#lastPath = path;
    context.emit({ type: 'checkpoint', path, epoch, iteration, best: false });
    await prune(context.workDir, this.#config.maxKeep ?? 2, iteration);
  }

  #content({ progress, seed, metrics, config, loader, inputTypes }: TrainingContext): ManifestContent {
    return {
      version,
      ...progress,
      seed,
      best: this.#best,
      metrics: { ...metrics() },
      classes: [...loader.dataset.classes],
      inputs: inputTypes,
      config,
    };
  }
}
