/**
 * A process's part in a distributed run: its group, its communicator on its device, and the watch over both. Made by the Runner from the
 * environment; everything that only one process may do asks `isMain`.
 */

import { type Communicator, type Device, OmmaError } from '@omma/core';
import { type Connected, connectDevice } from './connect.ts';
import type { DistributedEnvironment } from './environment.ts';
import type { Loss } from './messages.ts';
import { mpiJob } from './mpi.ts';
import { ProcessGroup } from './processGroup.ts';

/** How long leaving may take when something hangs, in milliseconds. */
const leaveTimeout = 5000;
/** How long the news that a rank is gone may take from the group, when the device knows of it already. */
const rumour = 1000;

export class Distributed {
  readonly group: ProcessGroup;
  readonly environment: DistributedEnvironment;
  readonly communicator: Communicator;
  /** Why collectives are slower than they could be, in a line; null when they are not. */
  readonly warning: string | null;
  readonly #broken: Promise<never>;
  #failed = false;
  #lost: readonly number[] | null = null;

  private constructor(
    group: ProcessGroup,
    environment: DistributedEnvironment,
    { communicator, warning }: Connected,
  ) {
    this.group = group;
    this.environment = environment;
    this.communicator = communicator;
    this.warning = warning;
    this.#broken = breakOf(group, ({ lost }) => {
      this.#failed = true;
      if (lost.length > 0) this.#lost = lost;
    });
  }

  /** Joins the run and connects `device` with those of the other ranks: by its own collective library, in shared memory, by Gloo, or over TCP. */
  static async start(environment: DistributedEnvironment, device: Device): Promise<Distributed> {
    const job = await mpiJob(environment);
    const group = environment.group ?? (await ProcessGroup.join(job.environment));
    let lost: readonly number[] = [];
    const broken = breakOf(group, (loss) => {
      lost = loss.lost;
    });
    try {
      const connected = connectDevice(device, group, job);
      return new Distributed(group, environment, await Promise.race([connected, broken]));
    } catch (error) {
      // A connection that breaks may be noticed before the group knows which rank has died. One that left has said why itself.
      const news = await Promise.race([broken.catch((reason: unknown) => reason), expired(rumour)]);
      await group.dispose();
      throw lost.length > 0 ? news : error;
    }
  }

  get rank(): number {
    return this.group.rank;
  }

  get size(): number {
    return this.group.size;
  }

  /** True on the rank that writes files and talks. */
  get isMain(): boolean {
    return this.rank === 0;
  }

  /** True when the group broke: nothing more can be expected of the device's collectives. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The ranks that died or hang, as far as they are known; null when the group has not broken, or by one that left with an error of its own. */
  get lost(): readonly number[] | null {
    return this.#lost;
  }

  /**
   * `work`, or an error as soon as a rank is gone: a device that waits for it would wait for its own timeout. An error of `work` itself, of the device or of a
   * collective through the host, gets the communicator's reason where it has one.
   */
  async guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, this.#broken]);
    } catch (error) {
      if (this.#failed || !(error instanceof OmmaError)) throw error;
      // A device that is lost may not answer any more; its own error says enough then.
      const reason = await this.communicator.failure().catch(() => null);
      if (reason === null) throw error;
      // The group knows which rank it is, when one is gone.
      await Promise.race([this.#broken, expired(rumour)]);
      this.#failed = true;
      this.#lost ??= [];
      throw new OmmaError(`${explained(reason)} (${error.message})`);
    }
  }

  /** Ends a run that went well: waits until all ranks are here, then leaves. */
  async finish(): Promise<void> {
    await this.guard(this.group.finish());
  }

  async dispose(): Promise<void> {
    const leaving = this.#failed ? this.communicator.abort() : this.communicator.dispose();
    // What goes wrong on the way out changes nothing any more.
    await Promise.race([leaving.catch(() => undefined), expired(leaveTimeout)]);
    await this.group.dispose();
  }
}

/** Rejects when the group breaks. Nobody need listen. */
function breakOf(group: ProcessGroup, noted: (loss: Loss) => void = () => undefined): Promise<never> {
  const broken = new Promise<never>((_, reject) => {
    group.onFailure((loss) => {
      noted(loss);
      reject(new OmmaError(explained(loss.reason)));
    });
  });
  broken.catch(() => undefined);
  return broken;
}

function explained(reason: string): string {
  return `distributed: ${reason}; the run ends here`;
}

function expired(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
