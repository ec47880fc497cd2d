/**
 * CheckpointHook: saves the run every so many epochs or iterations, when it ends, and keeps the newest few and the best.
 *
 * A best one is a file of its own (`best.safetensors`), so that deleting old ones never touches it. The file `last_checkpoint` names the
 * newest, as OpenMMLab's does.
 */

import { basename, join } from 'node:path';
import { OmmaError } from '@omma/core';
import { linkAtomically, textFile } from '@omma/storage';
import { z } from 'zod';
import { bestName, checkpointName, lastName, prune } from '../checkpoint/folder.ts';
import { nearest } from '../config/nearest.ts';
import type { TrainingContext } from '../runner/context.ts';
import type { EvaluationEvent } from '../runner/events.ts';
import type { CheckpointHookConfig } from './config.ts';
import type { Hook } from './hook.ts';
import { betterThan, directionOf } from './monitor.ts';

const bestSchema = z.array(z.object({ metric: z.string(), value: z.number(), path: z.string() }));
type Best = z.infer<typeof bestSchema>[number];

export class CheckpointHook implements Hook {
  readonly name = 'CheckpointHook';
  readonly priority = 'VERY_LOW';
  readonly #config: CheckpointHookConfig;
  readonly #best = new Map<string, Best>();
  readonly #bestIsNew = new Set<string>();
  #lastIteration: number | null = null;
  #lastPath: string | null = null;
  /** What is wrong with `saveBest`: told after the next checkpoint, so that nothing is lost when the run ends on it. */
  #mistake: string | null = null;

  constructor(config: CheckpointHookConfig = {}) {
    this.#config = config;
  }

  get lastPath(): string | null {
    return this.#lastPath;
  }

  /** The best checkpoint by the first of the metrics. */
  get bestPath(): string | null {
    const [first] = this.#best.values();
    return first?.path ?? null;
  }

  saveState(): Best[] {
    return [...this.#best.values()];
  }

  loadState(state: unknown): void {
    const { success, data } = bestSchema.safeParse(state);
    if (!success) throw new OmmaError('CheckpointHook: its state in the checkpoint is damaged');
    for (const best of data) this.#best.set(best.metric, best);
  }

  async afterTrainIteration(context: TrainingContext): Promise<void> {
    const { iteration } = context.progress;
    const { intervalIterations, interval = 1000, saveBegin = 0 } = this.#config;
    const due =
      (intervalIterations !== undefined && iteration % intervalIterations === 0) ||
      (!context.plan.byEpoch && iteration % interval === 0 && iteration >= saveBegin);
    if (due) await this.#save(context);
  }

  async afterVal(context: TrainingContext, { metrics }: EvaluationEvent): Promise<void> {
    // What is saved at this iteration from now on knows more than what was saved before.
    this.#lastIteration = null;
    this.#judge(context.workDir, metrics);
    // By iterations there may be no end of an epoch for long.
    if (!context.plan.byEpoch) await this.#saveWhatIsNew(context, false);
  }

  async afterEpoch(context: TrainingContext): Promise<void> {
    const { plan, progress } = context;
    if (!plan.byEpoch) return;
    const { interval = 1, saveBegin = 0 } = this.#config;
    const { epoch } = progress;
    const due = (epoch % interval === 0 && epoch >= saveBegin) || epoch === plan.maxEpochs;
    await this.#saveWhatIsNew(context, due);
  }

  async afterTrain(context: TrainingContext): Promise<void> {
    await this.#save(context);
  }

  #judge(workDir: string, metrics: EvaluationEvent['metrics']): void {
    const { saveBest = 'auto', rule } = this.#config;
    const known = Object.keys(metrics);
    const wanted = saveBest === null ? [] : [saveBest].flat();
    for (const [i, one] of wanted.entries()) {
      const metric = one === 'auto' ? known[0] : one;
      if (metric === undefined) continue;
      const value = metrics[metric];
      if (value === undefined) {
        const close = nearest(metric, known);
        this.#mistake =
          `defaultHooks.checkpoint.saveBest is ${metric}, but the evaluation gives ${known.join(', ') || 'no metric'}` +
          `${close === null ? '' : `; did you mean ${close}?`}`;
        continue;
      }
      const direction = directionOf(metric, Array.isArray(rule) ? rule[i] : rule);
      const best = this.#best.get(metric);
      if (best !== undefined && !betterThan(value, best.value, direction)) continue;
      const name = wanted.length === 1 ? bestName : `best_${metric.replace(/[^\w.-]/g, '_')}.safetensors`;
      this.#best.set(metric, { metric, value, path: join(workDir, name) });
      this.#bestIsNew.add(metric);
    }
  }

  async #saveWhatIsNew(context: TrainingContext, due: boolean): Promise<void> {
    if (due || this.#bestIsNew.size > 0 || this.#mistake !== null) await this.#save(context);
    if (this.#mistake !== null) throw new OmmaError(`${this.#mistake}; correct it and go on with --resume`);
  }

  async #save(context: TrainingContext): Promise<void> {
    const { iteration, epoch } = context.progress;
    if (!context.isMain || (this.#lastIteration === iteration && this.#bestIsNew.size === 0)) return;
    let written: string | null = null;
    // Best or not, the run is the same one: what is written once gets its other names as links.
    const save = async (path: string) => {
      if (written === null || !(await linkAtomically(written, path))) await context.saveCheckpoint(path);
      written ??= path;
    };
    for (const metric of this.#bestIsNew) {
      const path = this.#best.get(metric)?.path;
      if (path === undefined) continue;
      await save(path);
      context.emit({ type: 'checkpoint', path, epoch, iteration, best: true });
    }
    this.#bestIsNew.clear();
    const path = join(context.workDir, checkpointName(iteration));
    await save(path);
    await textFile(join(context.workDir, lastName), `${basename(path)}\n`);
    this.#lastIteration = iteration;
    this.#lastPath = path;
    context.emit({ type: 'checkpoint', path, epoch, iteration, best: false });
    await prune(context.workDir, this.#config.maxKeep ?? 2, iteration);
  }
}
