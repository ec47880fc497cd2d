/** Which rank of a distributed run this process is, for the commands that launchers start. */

import { availableParallelism, cpus } from 'node:os';
import { type DistributedEnvironment, distributedEnvironment, threadsOfRank } from '@omma/engine';

/** The run that the environment describes, or null. Before the device is opened: ranks that share a machine's processors get their part of them. */
export function rankFromEnvironment(): DistributedEnvironment | null {
  const threads = threadsOfRank(process.env, availableParallelism(), cpus().length);
  if (threads !== null) process.env.OMMA_NUM_THREADS = String(threads);
  return distributedEnvironment(process.env);
}
