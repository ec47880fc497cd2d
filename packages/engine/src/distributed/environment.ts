/**
 * Which process of a distributed run this is, from torchrun's environment variables: RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR,
 * MASTER_PORT. `omma launch` sets them, and so do torchrun and most schedulers; the names of Ascend's own launchers (RANK_ID, RANK_SIZE,
 * ASCEND_DEVICE_ID) are read where those are missing.
 */

import { OmmaError } from '@omma/core';
import type { ProcessGroup } from './processGroup.ts';

/** Collective engines that OMMA_DIST_BACKEND may name, MMEngine's `env_cfg.dist_cfg.backend`; `auto` takes the fastest that all ranks have. */
export const backends = ['auto', 'gloo', 'tcp'] as const;
export type Backend = (typeof backends)[number];

export interface DistributedEnvironment {
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

export type Environment = Readonly<Record<string, string | undefined>>;

/** The run that `env` describes; null when this process is on its own. OmmaError when a variable is missing or makes no sense. */
export function distributedEnvironment(env: Environment): DistributedEnvironment | null {
  const size = wholeNumber(env, ['WORLD_SIZE', 'RANK_SIZE'], 1, 65536);
  if (size === null || size === 1) return null;
  const rank = needed(env, ['RANK', 'RANK_ID'], 0, size - 1, size);
  return {
    rank,
    size,
    localRank: wholeNumber(env, ['LOCAL_RANK', 'ASCEND_DEVICE_ID'], 0, 65535) ?? rank,
    address: env.MASTER_ADDR ?? '127.0.0.1',
    port: needed(env, ['MASTER_PORT'], 1, 65535, size),
    connectTimeout: 1000 * (wholeNumber(env, ['OMMA_CONNECT_TIMEOUT'], 1, 86400) ?? 120),
    collectiveTimeout: 1000 * (wholeNumber(env, ['OMMA_COLLECTIVE_TIMEOUT'], 1, 86400) ?? 600),
    backend: backendOf(env),
    elastic: env.OMMA_ELASTIC !== 'off',
    reformTimeout: 1000 * (wholeNumber(env, ['OMMA_REFORM_TIMEOUT'], 1, 3600) ?? 20),
  };
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
  names: readonly string[],
  least: number,
  most: number,
  size: number,
): number {
  const value = wholeNumber(env, names, least, most);
  if (value !== null) return value;
  throw new OmmaError(
    `distributed: WORLD_SIZE is ${size} but ${names[0]} is not set; start the run with omma launch, or set it for every process`,
  );
}

/** The first of `names` that is set. */
function wholeNumber(env: Environment, names: readonly string[], least: number, most: number): number | null {
  const name = names.find((candidate) => (env[candidate] ?? '') !== '');
  if (name === undefined) return null;
  const text = env[name] ?? '';
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new OmmaError(
    `distributed: ${name} must be a whole number from ${least} to ${most} but is ${JSON.stringify(text)}`,
  );
}
