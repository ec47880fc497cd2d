/**
 * Commands for a device's thread, in order: each is posted after all that the device was given before has been posted, not after it has ended, so
 * that the host prepares one step while the chip computes another.
 */

import type { CommandOf, CommandType, Results } from '../worker/protocol.ts';
import type { DeviceThread } from './deviceThread.ts';
import { asDeviceError } from './messages.ts';

/** What is posted to the device's thread, and the promise for its end. */
export interface Posted<T> {
  readonly ended: Promise<T>;
}

export class CommandQueue {
  readonly #device: string;
  readonly #thread: DeviceThread;
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** `device` is the name for messages. */
  constructor(device: string, thread: DeviceThread) {
    this.#device = device;
    this.#thread = thread;
  }

  /** Calls `post` in its turn. */
  enqueue<T>(post: () => Promise<Posted<T>>): Promise<T> {
    const posted = this.#tail.then(post);
    this.#tail = posted.catch(() => undefined);
    return posted.then(({ ended }) => ended);
  }

  /** Gives a command in its turn. Rejects with DeviceError, which says what was being done. */
  ask<T extends CommandType>(command: CommandOf<T>, doing: string): Promise<Results[T]> {
    return this.enqueue(async () => ({ ended: this.askNow<T>(command, doing) }));
  }

  /** Gives a command at once: for whoever's turn it is. */
  async askNow<T extends CommandType>(command: CommandOf<T>, doing: string): Promise<Results[T]> {
    try {
      return await this.#thread.request<T>(command);
    } catch (error) {
      throw asDeviceError(this.#device, doing, error);
    }
  }

  /** Gives a command that nobody waits for: what it fails with shows at whatever uses its result. */
  send(command: CommandOf<'allocate' | 'free' | 'unload'>): void {
    if (this.#closed) return;
    this.enqueue(async () => ({ ended: this.#thread.request(command) })).catch(() => undefined);
  }

  /** Ends the thread, which gives everything on the device back; blocks for a bounded time. What still waits is rejected. */
  close(): void {
    this.#closed = true;
    this.#thread.close();
  }
}
