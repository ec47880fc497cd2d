/**
 * Who holds a work directory's lock, and whether that process still lives, as far as it can be told from here: a process number means something only
 * in the process namespace that gave it. Containers of one machine have one each, and may share a host name.
 */

import { randomUUID } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { codeOf } from '@omma/storage';
import { z } from 'zod';

export const holderSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** The running kernel and the namespace of `pid` in it; null where there is no /proc. */
  boot: z.string().nullable(),
  namespace: z.string().nullable(),
  /** When the process started, in the kernel's ticks; null where there is no /proc. */
  started: z.string().nullable(),
  /** Tells two holders of one process apart. */
  id: z.string(),
});
export type Holder = z.infer<typeof holderSchema>;

/** This process, as the holder of one more lock. */
export async function thisProcess(): Promise<Holder> {
  return {
    pid: process.pid,
    host: hostname(),
    boot: await readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(trimmed, nothing),
    namespace: await readlink('/proc/self/ns/pid').catch(nothing),
    started: await startOf(process.pid),
    id: randomUUID(),
  };
}

/** Locks that runs of this process hold. */
export const ownLocks = new Set<string>();

/** Whether the holder's process can be looked at from the process `own`. */
export function isSeen(holder: Holder, own: Holder): boolean {
  return holder.host === own.host && holder.boot === own.boot && holder.namespace === own.namespace;
}

/** Whether a holder that can be seen lives. Its number may be another process's by now. */
export async function lives({ pid, started, id }: Holder): Promise<boolean> {
  if (pid === process.pid) return ownLocks.has(id);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
  }
  const now = await startOf(pid);
  return started === null || now === null || now === started;
}

/** Where a holder is, for a message: nothing for one that can be seen. */
export function whereIs(holder: Holder, own: Holder): string {
  if (isSeen(holder, own)) return '';
  return holder.boot !== null && holder.boot === own.boot ? ' in another container' : ` on ${holder.host}`;
}

/** When a process started. Null where there is no such process, or no /proc of this namespace. */
async function startOf(pid: number): Promise<string | null> {
  if ((await readlink('/proc/self').catch(nothing)) !== String(process.pid)) return null;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Fields are counted from behind the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[19] ?? null;
}

const trimmed = (text: string) => text.trim();
const nothing = () => null;
