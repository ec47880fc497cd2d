/** AgreementHook: compares the state of all ranks after every epoch, so that what drifts apart is found before it is saved for long. */

import type { Hook } from '../hooks/hook.ts';
import type { TrainingContext } from '../runner/context.ts';
import { checkEqual } from './agreement.ts';
import type { Distributed } from './distributed.ts';

export class AgreementHook implements Hook {
  readonly name = 'AgreementHook';
  readonly priority = 'VERY_HIGH';
  readonly #distributed: Distributed;

  constructor(distributed: Distributed) {
    this.#distributed = distributed;
  }

  async afterTrainEpoch({ progress, state }: TrainingContext): Promise<void> {
    const { group } = this.#distributed;
    await this.#distributed.guard(checkEqual(group, state.variables(), `after epoch ${progress.epoch}`));
  }
}
