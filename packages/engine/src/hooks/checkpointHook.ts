/**
 * CheckpointHook: saves the run every so many epochs or iterations, when it ends, and keeps the newest few and the best.
 *
 * A best one is a file of its own (`best.safetensors`), so that deleting old ones never touches it. The file `last_checkpoint` in the work
 * directory names the newest, as OpenMMLab's does.
 */

import { stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { OmmaError } from '@omma/core';
import { linkAtomically, makeFolder, textFile } from '@omma/storage';
import { z } from 'zod';
import { bestName, checkpointName, lastName, prune } from '../checkpoint/folder.ts';
import { publishWeights } from '../checkpoint/tools/publish.ts';
import type { RunContext, TrainingContext } from '../runner/context.ts';
import type { EndEvent, EvaluationEvent } from '../runner/events.ts';
import { checkpointPlace } from './checkpointPlace.ts';
import type { CheckpointHookConfig } from './config.ts';
import type { Hook } from './hook.ts';
import { everyNEpochs, everyNIterations } from './intervals.ts';
import { betterThan, directionOf, unknownMetric } from './monitor.ts';

const bestSchema = z.array(z.object({ metric: z.string(), value: z.number(), path: z.string() }));
type Best = z.infer<typeof bestSchema>[number];

const saveBestIs = 'defaultHooks.checkpoint.saveBest is';

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

  get #wanted(): readonly string[] {
    const { saveBest = 'auto' } = this.#config;
    return saveBest === null ? [] : [saveBest].flat();
  }

  get lastPath(): string | null {
    return this.#lastPath;
  }

  /** The best checkpoint by the first of the metrics. */
  get bestPath(): string | null {
    const [first] = this.#best.values();
    return first?.path ?? null;
  }

  /** A best one in the folder of the checkpoint `path` by its name alone: the work directory may move. */
  saveState(path: string): Best[] {
    const directory = dirname(resolve(path));
    return [...this.#best.values()].map((best) => {
      const full = resolve(best.path);
      return { ...best, path: dirname(full) === directory ? basename(full) : full };
    });
  }

  loadState(state: unknown, path: string): void {
    const { success, data } = bestSchema.safeParse(state);
    if (!success) throw new OmmaError('CheckpointHook: its state in the checkpoint is damaged');
    for (const best of data) {
      const place = isAbsolute(best.path) ? best.path : join(dirname(path), best.path);
      this.#best.set(best.metric, { ...best, path: place });
    }
  }

  checkMetrics(known: readonly string[]): void {
    const metric = this.#wanted.find((one) => one !== 'auto' && !known.includes(one));
    if (metric !== undefined) throw new OmmaError(unknownMetric(saveBestIs, metric, known));
  }

  async beforeTrain(context: TrainingContext): Promise<void> {
    // A loop may have evaluated before the first step: the end of an epoch has other weights than were judged.
    await this.#saveWhatIsNew(context, false);
    const { isMain, emit } = context;
    if (!isMain) return;
    for (const { metric, value, path } of this.#best.values()) {
      if ((await stat(path).catch(() => null)) !== null) continue;
      emit({
        type: 'warning',
        message: `${path} is gone: the best checkpoint so far, of ${metric} ${Number(value.toPrecision(4))}; what is better than that will be kept`,
      });
    }
  }

  async afterTrainIteration(context: TrainingContext): Promise<void> {
    const { iteration } = context.progress;
    const { intervalIterations, interval = 1000, saveBegin = 0 } = this.#config;
    const due =
      (intervalIterations !== undefined && everyNIterations(context, intervalIterations)) ||
      (!context.plan.byEpoch && everyNIterations(context, interval) && iteration >= saveBegin);
    if (due) await this.#save(context);
  }

  async afterVal(context: TrainingContext, { metrics }: EvaluationEvent): Promise<void> {
    // What is saved at this iteration from now on knows more than what was saved before.
    this.#lastIteration = null;
    this.#judge(checkpointPlace(context).directory, metrics);
    // By iterations there may be no end of an epoch for long.
    if (!context.plan.byEpoch) await this.#saveWhatIsNew(context, false);
  }

  async afterEpoch(context: TrainingContext): Promise<void> {
    const { plan, progress } = context;
    if (!plan.byEpoch) return;
    const { interval = 1, saveBegin = 0 } = this.#config;
    const { epoch } = progress;
    const due = (everyNEpochs(context, interval) && epoch >= saveBegin) || epoch === plan.maxEpochs;
    await this.#saveWhatIsNew(context, due);
  }

  async afterTrain(context: TrainingContext): Promise<void> {
    await this.#save(context);
  }

  /** In the end state: what was published would else be overtaken by the run that goes on. */
  async afterRun(context: RunContext, end: EndEvent | null): Promise<void> {
    if (this.#config.publish !== true || !context.isMain || end?.reason === 'interrupted' || end === null)
      return;
    for (const path of new Set([this.#lastPath, ...[...this.#best.values()].map((best) => best.path)])) {
      if (path === null) continue;
      // Somebody may have deleted it.
      if ((await stat(path).catch(() => null)) === null) {
        context.emit({ type: 'warning', message: `${path} is gone, so it is not published` });
        continue;
      }
      const published = await publishWeights(path, undefined, {});
      context.emit({ type: 'notice', message: `published as ${published.path}` });
    }
  }

  #judge(directory: string, metrics: EvaluationEvent['metrics']): void {
    const { rule, greaterKeys, lessKeys } = this.#config;
    const known = Object.keys(metrics);
    const wanted = this.#wanted;
    for (const [i, one] of wanted.entries()) {
      const metric = one === 'auto' ? known[0] : one;
      if (metric === undefined) continue;
      const value = metrics[metric];
      if (value === undefined) {
        this.#mistake = unknownMetric(saveBestIs, metric, known);
        continue;
      }
      const direction = directionOf(metric, Array.isArray(rule) ? rule[i] : rule, {
        greaterKeys,
        lessKeys,
      });
      const best = this.#best.get(metric);
      if (best !== undefined && !betterThan(value, best.value, direction)) continue;
      const name = wanted.length === 1 ? bestName : `best_${metric.replace(/[^\w.-]/g, '_')}.safetensors`;
      this.#best.set(metric, { metric, value, path: join(directory, name) });
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
    const { directory, template } = checkpointPlace(context);
    await makeFolder(directory);
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
    const path = join(directory, checkpointName(iteration, template));
    await save(path);
    await textFile(join(context.workDir, lastName), `${relative(context.workDir, path)}\n`);
    this.#lastIteration = iteration;
    this.#lastPath = path;
    context.emit({ type: 'checkpoint', path, epoch, iteration, best: false });
    const { maxKeep = 2 } = this.#config;
    await prune(directory, maxKeep === -1 ? Number.POSITIVE_INFINITY : maxKeep, iteration, template);
  }
}
