/** EarlyStoppingHook: ends training when a metric stops getting better, as OpenMMLab's does; what it has counted survives a resume. */

import { OmmaError } from '@omma/core';
import { z } from 'zod';
import type { TrainingContext } from '../runner/context.ts';
import type { EvaluationEvent } from '../runner/events.ts';
import type { Hook } from './hook.ts';
import { betterThan, directionOf, type Rule, unknownMetric } from './monitor.ts';

export interface EarlyStoppingHookOptions {
  /** The metric to watch: 'accuracy/top1'. */
  readonly monitor: string;
  /** Whether more is better; guessed from the metric's name unless given. */
  readonly rule?: Rule;
  /** What counts as better: a change of more than this, 0.1 unless given. */
  readonly minDelta?: number;
  /** Evaluations in a row that may pass without it; 5 unless given. */
  readonly patience?: number;
  /** A metric that the evaluation does not give ends the run (true) or is warned of (false, the default). */
  readonly strict?: boolean;
  /** Stop at a value that is not finite; true unless given. */
  readonly checkFinite?: boolean;
  /** Stop as soon as the metric is as good as this. */
  readonly stoppingThreshold?: number;
}

export const earlyStoppingHookSchema = z.strictObject({
  monitor: z.string().min(1),
  rule: z.enum(['greater', 'less']).exactOptional(),
  minDelta: z.number().min(0).exactOptional(),
  patience: z.int().positive().exactOptional(),
  strict: z.boolean().exactOptional(),
  checkFinite: z.boolean().exactOptional(),
  stoppingThreshold: z.number().exactOptional(),
});

const stateSchema = z.object({ best: z.number().nullable(), waited: z.int().min(0) });

export class EarlyStoppingHook implements Hook {
  readonly name: string;
  /** After what writes down the evaluation, before the checkpoint that should know the count. */
  readonly priority = 'LOW';
  readonly #options: EarlyStoppingHookOptions;
  #state: z.infer<typeof stateSchema> = { best: null, waited: 0 };

  constructor(options: EarlyStoppingHookOptions) {
    this.#options = options;
    this.name = `EarlyStoppingHook(${options.monitor})`;
  }

  saveState(): unknown {
    return this.#state;
  }

  loadState(state: unknown): void {
    const { success, data } = stateSchema.safeParse(state);
    if (!success) throw new OmmaError(`${this.name}: its state in the checkpoint is damaged`);
    this.#state = data;
  }

  async afterVal(context: TrainingContext, { metrics }: EvaluationEvent): Promise<void> {
    this.checkMetrics(Object.keys(metrics), (message) => context.emit({ type: 'warning', message }));
    const value = metrics[this.#options.monitor];
    const reason = value === undefined ? null : this.#judge(value);
    if (reason !== null) context.stop(reason);
  }

  checkMetrics(known: readonly string[], warn: (message: string) => void): void {
    const { monitor, strict = false } = this.#options;
    if (known.includes(monitor)) return;
    const message = unknownMetric('EarlyStoppingHook: monitor is', monitor, known);
    if (strict) throw new OmmaError(message);
    warn(message);
  }

  /** Why training should end at `value`; null when it should go on. */
  #judge(value: number): string | null {
    const { monitor, minDelta = 0.1, patience = 5, checkFinite = true, stoppingThreshold } = this.#options;
    const rule = directionOf(monitor, this.#options.rule);
    if (!Number.isFinite(value)) return checkFinite ? `${monitor} is ${value}` : null;
    const { best } = this.#state;
    const better = best === null || betterThan(value, best, rule, minDelta);
    this.#state = better ? { best: value, waited: 0 } : { best, waited: this.#state.waited + 1 };
    if (
      stoppingThreshold !== undefined &&
      (value === stoppingThreshold || betterThan(value, stoppingThreshold, rule))
    )
      return `${monitor} is ${Number(value.toPrecision(4))}, as good as the threshold ${stoppingThreshold}`;
    if (this.#state.waited < patience) return null;
    return `${monitor} has not been better than ${best === null ? 'nothing' : Number(best.toPrecision(4))} by more than ${minDelta} for ${patience} evaluations`;
  }
}
