/** How many threads a rank computes with, where whoever started it left the processors to all ranks of the machine. */

import { type Environment, launcherOf } from './launchers.ts';

/**
 * This rank's part of the processors that are `available` of the machine's `all`; null where it is not ours to say: OMMA_NUM_THREADS is set, the launcher has bound each
 * process to some of them (mpirun does, Slurm may), or does not tell how many ranks the machine has. Elsewhere fewer than all are a
 * container's, which its ranks share. Two ranks with all threads each take several times as long.
 */
export function threadsOfRank(env: Environment, available: number, all: number): number | null {
  const launcher = launcherOf(env);
  if (launcher === null || (env.OMMA_NUM_THREADS ?? '') !== '') return null;
  if (launcher.binds && available < all) return null;
  const text = launcher.localSize.map((name) => env[name] ?? '').find((value) => value !== '') ?? '';
  const ranks = Number(/^\d+/.exec(text)?.[0] ?? 0);
  return ranks < 2 ? null : Math.max(1, Math.floor(available / ranks));
}
