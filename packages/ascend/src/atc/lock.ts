/**
 * One process at a time at one piece of work, by a lock file: two processes that want the same model compile it once.
 *
 * The holder touches the file while it works. A lock that has not been touched for a while belongs to a process that died and is taken over, also
 * where processes do not see each other (containers, network folders).
 */

import { open, rename, rm, stat, utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const touchMilliseconds = 2000;
const staleMilliseconds = 15_000;
const lookMilliseconds = 100;

/** Runs `job` while holding the lock `file`; waits for as long as somebody else, who is alive, holds it. */
export async function withFileLock<T>(file: string, job: () => Promise<T>): Promise<T> {
  while (!(await taken(file))) {
    await removeStale(file);
    await sleep(lookMilliseconds);
  }
  const touch = setInterval(() => {
    const now = new Date();
    // A lock that somebody took over is his; the work goes on, and renaming keeps its result whole.
    utimes(file, now, now).catch(() => undefined);
  }, touchMilliseconds);
  touch.unref();
  try {
    return await job();
  } finally {
    clearInterval(touch);
    await rm(file, { force: true });
  }
}

async function taken(file: string): Promise<boolean> {
  try {
    await (await open(file, 'wx')).close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Renamed first, so that of two processes that see it only one removes it. */
async function removeStale(file: string): Promise<void> {
  const facts = await stat(file).catch(() => null);
  if (facts === null || Date.now() - facts.mtimeMs < staleMilliseconds) return;
  const away = `${file}.stale-${process.pid}`;
  await rename(file, away).catch(() => undefined);
  await rm(away, { force: true });
}
