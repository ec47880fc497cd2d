/**
 * LoggerHook: writes the log between steps, so that a full disk ends the run with a message. Keeps what smoothed numbers have seen in checkpoints: a
 * resumed run logs what the whole one would have.
 */

import type { TrainingContext } from '../runner/context.ts';
import type { LoggerHookConfig } from './config.ts';
import type { Hook } from './hook.ts';
import { everyNIterations } from './intervals.ts';

export const defaultLogInterval = 10;

/** What the hook writes and keeps; does nothing where a rank has no log. */
export interface RunLog {
  /** Writes what the log has gathered. */
  flush(): Promise<void>;
  saveState(): unknown;
  loadState(state: unknown): void;
}

export class LoggerHook implements Hook {
  readonly name = 'LoggerHook';
  readonly priority = 'BELOW_NORMAL';
  readonly #interval: number;
  readonly #log: RunLog;

  constructor({ interval = defaultLogInterval }: LoggerHookConfig, log: RunLog) {
    this.#interval = interval;
    this.#log = log;
  }

  saveState(): unknown {
    return this.#log.saveState();
  }

  loadState(state: unknown): void {
    this.#log.loadState(state);
  }

  async beforeTrain(): Promise<void> {
    await this.#log.flush();
  }

  async afterTrainIteration(context: TrainingContext): Promise<void> {
    if (everyNIterations(context, this.#interval)) await this.#log.flush();
  }

  async afterVal(): Promise<void> {
    await this.#log.flush();
  }

  async afterEpoch(): Promise<void> {
    await this.#log.flush();
  }

  async afterTrain(): Promise<void> {
    await this.#log.flush();
  }
}
