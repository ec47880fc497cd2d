/**
 * One run a work directory: two that write the same checkpoints and the same log would spoil both. A run holds the file `run.lock`, which says
 * who it is, and which it writes again every few seconds.
 *
 * The lock of a run that was killed is no lock. Where its process can be looked at (lockHolder.ts), that it is gone is seen at once. The process of another
 * machine or container cannot be: there the lock is given up when it has not been renewed for `limit`. Its age is told by the clock of its file
 * system alone, so that the clocks of two machines need not agree.
 *
 * A run whose lock was taken while it hung (its machine slept) finds that out when it goes on, and ends.
 */

import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OmmaError } from '@omma/core';
import { codeOf, temporarySuffix } from '@omma/storage';
import type { Hook } from '../hooks/hook.ts';
import { type Holder, holderSchema, isSeen, lives, ownLocks, thisProcess, whereIs } from './lockHolder.ts';

export const lockName = 'run.lock';

export interface LockOptions {
  /** Takes it from a run that lives. */
  readonly evenIfHeld?: boolean;
  /** Milliseconds between two renewals; 5000 unless given. */
  readonly beat?: number;
  /** Milliseconds without a renewal after which a run that cannot be looked at counts as gone; six renewals unless given. */
  readonly limit?: number;
  /** Hears what is being waited for: whether such a run renews its lock. */
  onWait?(message: string): void;
}

const defaultBeat = 5000;

/**
 * Milliseconds after which a lock says whose it is: a file that is empty may be one that was made just now, and of two runs that took over a dead
 * one's lock at the same time the first one sees that it is not its own.
 */
const settled = 50;

export class WorkDirLock {
  readonly #workDir: string;
  readonly #path: string;
  readonly #own: Holder;
  readonly #timer: NodeJS.Timeout;
  #renewal: Promise<void> = Promise.resolve();
  #takenBy: Holder | null = null;

  private constructor(workDir: string, own: Holder, beat: number) {
    this.#workDir = workDir;
    this.#path = join(workDir, lockName);
    this.#own = own;
    ownLocks.add(own.id);
    this.#timer = setInterval(() => {
      this.#renewal = this.#renewal.then(() => this.#renew());
    }, beat).unref();
  }

  /** Takes the lock of `workDir`, which exists. OmmaError with the holder when a run has it. */
  static async take(workDir: string, options: LockOptions = {}): Promise<WorkDirLock> {
    const path = join(workDir, lockName);
    const own = await thisProcess();
    try {
      await writeFile(path, textOf(own), { flag: 'wx' });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw unwritable(path, error);
      await takeOver(workDir, own, options);
    }
    return new WorkDirLock(workDir, own, options.beat ?? defaultBeat);
  }

  /** True when another run has taken it: nothing in the work directory is this run's any more. */
  get lost(): boolean {
    return this.#takenBy !== null;
  }

  /** Ends a run whose lock was taken, before it writes anything else. */
  get hook() {
    const check = async (): Promise<void> => {
      if (this.#takenBy === null) return;
      const { pid } = this.#takenBy;
      throw new OmmaError(
        `${this.#workDir}: process ${pid}${whereIs(this.#takenBy, this.#own)} has taken this work directory, because this run gave no sign of life for too long; this run ends, to leave its files alone`,
      );
    };
    return {
      name: 'WorkDirLock',
      priority: 'HIGHEST',
      afterTrainIteration: check,
      beforeSaveCheckpoint: check,
    } satisfies Hook;
  }

  /** Lets go of it, unless it is somebody else's by now. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewal;
    ownLocks.delete(this.#own.id);
    if ((await holderOf(this.#path))?.id === this.#own.id) await rm(this.#path, { force: true });
  }

  /** Writes it again in its place. What is opened stays the same file when another run puts its own in the place meanwhile. */
  async #renew(): Promise<void> {
    try {
      const file = await open(this.#path, 'r+');
      try {
        const holder = parsed(await file.readFile('utf8'));
        if (holder === null || holder.id === this.#own.id) await file.write(textOf(this.#own), 0);
        else this.#takenBy = holder;
      } finally {
        await file.close();
      }
    } catch (error) {
      // Somebody deleted it. Any other failure may be over at the next renewal.
      if (codeOf(error) === 'ENOENT')
        await writeFile(this.#path, textOf(this.#own), { flag: 'wx' }).catch(() => undefined);
    }
  }
}

/** Puts `own` in the place of a run that is gone. OmmaError when it lives. */
async function takeOver(workDir: string, own: Holder, options: LockOptions): Promise<void> {
  const path = join(workDir, lockName);
  const holder = (await holderOf(path)) ?? (await sleep(settled, path).then(holderOf));
  const prepared = `${path}.${own.id}${temporarySuffix}`;
  try {
    await writeFile(prepared, textOf(own)).catch((error: unknown) => {
      throw unwritable(path, error);
    });
    const living =
      options.evenIfHeld === true || holder === null
        ? null
        : await stillHeldBy(holder, own, path, prepared, options);
    if (living !== null) throw inUse(workDir, living, own);
    await rename(prepared, path);
  } finally {
    await rm(prepared, { force: true });
  }
  await sleep(settled);
  const now = await holderOf(path);
  if (now !== null && now.id !== own.id) throw inUse(workDir, now, own);
}

/**
 * `holder`, or who has taken its place, when that run lives: by its process, or by its lock's being renewed. Null when nobody does. `fresh` is a file of
 * just now beside it.
 */
async function stillHeldBy(
  holder: Holder,
  own: Holder,
  path: string,
  fresh: string,
  { beat = defaultBeat, limit = 6 * beat, onWait }: LockOptions,
): Promise<Holder | null> {
  if (isSeen(holder, own)) return (await lives(holder)) ? holder : null;
  const renewed = await renewedAt(path);
  const left = Math.min(limit, limit - ((await stat(fresh)).mtimeMs - renewed));
  if (left <= 0) return null;
  onWait?.(
    `waiting up to ${Math.ceil(left / 1000)} s to see whether process ${holder.pid}${whereIs(holder, own)} still trains in this work directory`,
  );
  for (const until = performance.now() + left; performance.now() < until; ) {
    await sleep(Math.min(beat, 500));
    if ((await renewedAt(path)) !== renewed) return holderOf(path);
  }
  return null;
}

/** When a lock was written last; 0 for one that is gone. Opening it makes a network file system ask its server. */
async function renewedAt(path: string): Promise<number> {
  try {
    const file = await open(path, 'r');
    try {
      return (await file.stat()).mtimeMs;
    } finally {
      await file.close();
    }
  } catch {
    return 0;
  }
}

function inUse(workDir: string, holder: Holder, own: Holder): OmmaError {
  return new OmmaError(
    `${workDir}: process ${holder.pid}${whereIs(holder, own)} is training in this work directory; wait for it, or choose another --work-dir`,
  );
}

function unwritable(path: string, error: unknown): OmmaError {
  return new OmmaError(
    `${path}: cannot write (${codeOf(error) ?? String(error)}); choose another --work-dir`,
  );
}

const textOf = (holder: Holder) => `${JSON.stringify(holder)}\n`;

/** Who holds a lock; null where there is none, or none that can be read. */
async function holderOf(path: string): Promise<Holder | null> {
  return readFile(path, 'utf8').then(parsed, () => null);
}

function parsed(text: string): Holder | null {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
