/** ParamSchedulerHook: tells the schedules that watch a metric of every evaluation, and keeps what they remember in the checkpoints. */

import { OmmaError } from '@omma/core';
import { z } from 'zod';
import type { Hook } from '../hooks/hook.ts';
import type { TrainingContext } from '../runner/context.ts';
import type { EvaluationEvent } from '../runner/events.ts';
import type { ParamSchedule } from './paramSchedule.ts';
import { type PlateauState, plateauStateSchema } from './plateau.ts';

export class ParamSchedulerHook implements Hook {
  readonly name = 'ParamSchedulerHook';
  /** OpenMMLab's. Before the checkpoint that should know of the evaluation. */
  readonly priority = 'LOW';
  readonly #schedule: ParamSchedule;
  /** Told before the next step and not at once: by then the epoch's checkpoint is written. */
  #mistake: string | null = null;

  constructor(schedule: ParamSchedule) {
    this.#schedule = schedule;
  }

  saveState(): readonly PlateauState[] {
    return this.#schedule.plateaus();
  }

  loadState(state: unknown): void {
    const { success, data } = z.array(plateauStateSchema).safeParse(state);
    if (!success) throw new OmmaError(`${this.name}: its state in the checkpoint is damaged`);
    this.#schedule.restore(data);
  }

  checkMetrics(known: readonly string[]): void {
    const mistake = this.#schedule.mistakeIn(known);
    if (mistake !== null) throw new OmmaError(mistake);
  }

  async afterVal({ progress, plan }: TrainingContext, { metrics }: EvaluationEvent): Promise<void> {
    this.#mistake = this.#schedule.observe(Math.ceil(progress.iteration / plan.iterationsPerEpoch), metrics);
  }

  async beforeTrainIteration(): Promise<void> {
    if (this.#mistake !== null) throw new OmmaError(`${this.#mistake}; correct it and go on with --resume`);
  }
}
