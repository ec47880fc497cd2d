/** Which process of a distributed run this is, and what the run's environment says about waiting and engines. */

import { OmmaError } from '@omma/core';
import { type Environment, type Launcher, type LauncherName, launcherOf, wholeNumber } from './launchers.ts';
import type { ProcessGroup } from './processGroup.ts';

/** Collective engines that OMMA_DIST_BACKEND may name, MMEngine's `env_cfg.dist_cfg.backend`; `auto` takes the fastest that all ranks have. */
export const backends = ['auto', 'shm', 'gloo', 'mpi', 'tcp'] as const;
export type Backend = (typeof backends)[number];

export interface DistributedEnvironment {
  readonly launcher: LauncherName;
  /** 0 to size - 1. */
  readonly rank: number;
  readonly size: number;
  /** Place among the processes of this machine; which of its devices to use. */
  readonly localRank: number;
  /** Where rank 0 listens. */
  readonly address: string;
  readonly port: number;
  /** Milliseconds until a rank that never comes is an error: OMMA_CONNECT_TIMEOUT in seconds, 120 unless given. */
  readonly connectTimeout: number;
  /** Milliseconds until a rank that does not take part in a collective is an error: OMMA_COLLECTIVE_TIMEOUT in seconds, 600 unless given. */
  readonly collectiveTimeout: number;
  /** What carries out collectives, on devices without a library of their own. */
  readonly backend: Backend;
  /** Whether those that are left go on when a rank dies, where the engine can: OMMA_ELASTIC, on unless it is `off`. */
  readonly elastic: boolean;
  /** Milliseconds for those that are left to find each other: OMMA_REFORM_TIMEOUT in seconds, 20 unless given. */
  readonly reformTimeout: number;
  /** The group, where it was joined before: after a failure. */
  readonly group?: ProcessGroup;
}

/** The run that `env` describes; null when this process is on its own. OmmaError when a variable is missing or makes no sense. */
export function distributedEnvironment(env: Environment): DistributedEnvironment | null {
  const launcher = launcherOf(env);
  if (launcher === null) return null;
  const size = wholeNumber(env, launcher.size, 1, 65536);
  if (size === null || size === 1) return null;
  const rank = needed(env, launcher, launcher.rank, 0, size - 1);
  return {
    launcher: launcher.name,
    rank,
    size,
    localRank: wholeNumber(env, launcher.localRank, 0, 65535) ?? rank,
    address: addressOf(env, launcher),
    port:
      wholeNumber(env, ['MASTER_PORT'], 1, 65535) ??
      launcher.port ??
      needed(env, launcher, ['MASTER_PORT'], 1, 65535),
    connectTimeout: 1000 * (wholeNumber(env, ['OMMA_CONNECT_TIMEOUT'], 1, 86400) ?? 120),
    collectiveTimeout: 1000 * (wholeNumber(env, ['OMMA_COLLECTIVE_TIMEOUT'], 1, 86400) ?? 600),
    backend: backendOf(env),
    elastic: env.OMMA_ELASTIC !== 'off',
    reformTimeout: 1000 * (wholeNumber(env, ['OMMA_REFORM_TIMEOUT'], 1, 3600) ?? 20),
  };
}

/** Several machines under mpirun without MASTER_ADDR are not refused here: MPI itself may say where rank 0 is. */
function addressOf(env: Environment, launcher: Launcher): string {
  const address = env.MASTER_ADDR ?? launcher.address(env);
  if (address !== null || launcher.name === 'mpi') return address ?? '';
  throw new OmmaError(
    `distributed: MASTER_ADDR is not set and ${launcher.name} does not say where rank 0 is; set it to that machine's address`,
  );
}

function backendOf({ OMMA_DIST_BACKEND: name = 'auto' }: Environment): Backend {
  const backend = backends.find((known) => known === name);
  if (backend !== undefined) return backend;
  throw new OmmaError(
    `distributed: OMMA_DIST_BACKEND must be one of ${backends.join(', ')} but is ${JSON.stringify(name)}`,
  );
}

function needed(
  env: Environment,
  launcher: Launcher,
  names: readonly string[],
  least: number,
  most: number,
): number {
  const value = wholeNumber(env, names, least, most);
  if (value !== null) return value;
  const size = launcher.size.find((name) => env[name] !== undefined) ?? '';
  throw new OmmaError(
    `distributed: ${size} is ${env[size]} but ${names[0]} is not set; start the run with omma launch, or set it for every process`,
  );
}
