/**
 * One run a work directory: two that write the same checkpoints and the same log would spoil both. A run holds the file `run.lock`, which says
 * who it is. The lock of a run that was killed is no lock: its process is gone, or another one has its number now.
 */

import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OmmaError } from '@omma/core';
import { codeOf, temporarySuffix } from '@omma/storage';
import { z } from 'zod';

export const lockName = 'run.lock';

const holderSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** When the process started, in the kernel's ticks; null where there is no /proc. */
  started: z.string().nullable(),
  /** Tells two holders of one process apart. */
  id: z.string(),
});
type Holder = z.infer<typeof holderSchema>;

/** Locks that runs of this process hold. */
const ownLocks = new Set<string>();

/**
 * Milliseconds after which a lock says whose it is: a file that is empty may be one that was made just now, and of two runs that took over a dead
 * one's lock at the same time the first one sees that it is not its own.
 */
const settled = 50;

export class WorkDirLock {
  readonly #path: string;
  readonly #id: string;

  private constructor(path: string, id: string) {
    this.#path = path;
    this.#id = id;
  }

  /** Takes the lock of `workDir`, which exists. OmmaError with the holder when a run has it, unless `evenIfHeld`. */
  static async take(workDir: string, evenIfHeld = false): Promise<WorkDirLock> {
    const path = join(workDir, lockName);
    const own: Holder = {
      pid: process.pid,
      host: hostname(),
      started: await startOf(process.pid),
      id: randomUUID(),
    };
    const text = `${JSON.stringify(own)}\n`;
    try {
      await writeFile(path, text, { flag: 'wx' });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST')
        throw new OmmaError(
          `${path}: cannot write (${codeOf(error) ?? String(error)}); choose another --work-dir`,
        );
      await takeOver(path, workDir, text, own.id, evenIfHeld);
    }
    ownLocks.add(own.id);
    return new WorkDirLock(path, own.id);
  }

  /** Lets go of it, unless it is somebody else's by now. */
  async release(): Promise<void> {
    ownLocks.delete(this.#id);
    if ((await holderOf(this.#path))?.id === this.#id) await rm(this.#path, { force: true });
  }
}

/** Puts `text` in the place of a dead run's lock. OmmaError when its run lives. */
async function takeOver(
  path: string,
  workDir: string,
  text: string,
  id: string,
  evenIfHeld: boolean,
): Promise<void> {
  const holder = (await holderOf(path)) ?? (await sleep(settled, path).then(holderOf));
  if (!evenIfHeld && holder !== null && (await lives(holder))) throw inUse(path, workDir, holder);
  const prepared = `${path}.${id}${temporarySuffix}`;
  await writeFile(prepared, text);
  await rename(prepared, path);
  await sleep(settled);
  const now = await holderOf(path);
  if (now !== null && now.id !== id) throw inUse(path, workDir, now);
}

function inUse(path: string, workDir: string, { pid, host }: Holder): OmmaError {
  const [where, unless] =
    host === hostname() ? ['', ''] : [` on ${host}`, `, or delete ${path} if that run is gone`];
  return new OmmaError(
    `${workDir}: process ${pid}${where} is training in this work directory; wait for it, choose another --work-dir${unless}`,
  );
}

/** Who holds a lock; null where there is none, or none that can be read. */
async function holderOf(path: string): Promise<Holder | null> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}

/** Whether the holder's run may still go on. What happens on another machine cannot be seen from here. */
async function lives({ pid, host, started, id }: Holder): Promise<boolean> {
  if (host !== hostname()) return true;
  if (pid === process.pid) return ownLocks.has(id);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
  }
  const now = await startOf(pid);
  return started === null || now === null || now === started;
}

/** When a process started: its number may be another one's later. Null where there is no /proc, or no such process. */
async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Fields are counted from behind the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[19] ?? null;
}
