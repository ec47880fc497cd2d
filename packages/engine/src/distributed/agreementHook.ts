/**
 * AgreementHook: compares the state of all ranks after every epoch, or every so many steps, so that what drifts apart is found before it is saved for
 * long. All state comes to the host for it, so it costs what a checkpoint costs without its writing.
 */

import type { Hook } from '../hooks/hook.ts';
import { everyNIterations } from '../hooks/intervals.ts';
import type { TrainingContext } from '../runner/context.ts';
import { checkEqual } from './agreement.ts';
import type { DistributedConfig } from './config.ts';
import type { Distributed } from './distributed.ts';

export class AgreementHook implements Hook {
  readonly name = 'AgreementHook';
  readonly priority = 'VERY_HIGH';
  readonly #distributed: Distributed;
  /** Steps between two comparisons; null compares after every epoch. */
  readonly #interval: number | null;

  constructor(distributed: Distributed, { agreementInterval }: DistributedConfig = {}) {
    this.#distributed = distributed;
    this.#interval = agreementInterval ?? null;
  }

  async afterTrainIteration(context: TrainingContext): Promise<void> {
    if (this.#interval === null || !everyNIterations(context, this.#interval)) return;
    await context.drain();
    await this.#check(context, `after iteration ${context.progress.iteration}`);
  }

  async afterTrainEpoch(context: TrainingContext): Promise<void> {
    if (this.#interval === null) await this.#check(context, `after epoch ${context.progress.epoch}`);
  }

  async #check({ state }: TrainingContext, when: string): Promise<void> {
    const { group } = this.#distributed;
    await this.#distributed.guard(checkEqual(group, state.variables(), when));
  }
}
