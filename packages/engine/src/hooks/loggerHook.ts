/** LoggerHook: writes the log between steps, so that a full disk ends the run with a message. */

import type { TrainingContext } from '../runner/context.ts';
import type { LoggerHookConfig } from './config.ts';
import type { Hook } from './hook.ts';

export const defaultLogInterval = 10;

export class LoggerHook implements Hook {
  readonly name = 'LoggerHook';
  readonly priority = 'BELOW_NORMAL';
  readonly #interval: number;
  readonly #flush: () => Promise<void>;

  /** `flush` writes what the log has gathered. */
  constructor({ interval = defaultLogInterval }: LoggerHookConfig, flush: () => Promise<void>) {
    this.#interval = interval;
    this.#flush = flush;
  }

  async beforeTrain(): Promise<void> {
    await this.#flush();
  }

  async afterTrainIteration({ progress }: TrainingContext): Promise<void> {
    if (progress.iteration % this.#interval === 0) await this.#flush();
  }

  async afterVal(): Promise<void> {
    await this.#flush();
  }

  async afterEpoch(): Promise<void> {
    await this.#flush();
  }

  async afterTrain(): Promise<void> {
    await this.#flush();
  }
}
