/**
 * How a process learns its place from whoever started it: torchrun's variables (`omma launch` sets them), those of Ascend's launchers, of Open MPI's mpirun
 * and of Slurm's srun.
 */

import { OmmaError } from '@omma/core';

export type Environment = Readonly<Record<string, string | undefined>>;

export type LauncherName = 'torchrun' | 'mpi' | 'slurm';

export interface Launcher {
  readonly name: LauncherName;
  /** Names of the variables, the first that is set counts. */
  readonly size: readonly string[];
  readonly rank: readonly string[];
  readonly localRank: readonly string[];
  /** How many there are on this machine; the number comes first in what Slurm writes, `2(x3),1`. */
  readonly localSize: readonly string[];
  /** True where it may bind each process to processors of its own. */
  readonly binds: boolean;
  /** Where rank 0 listens when MASTER_ADDR does not say so; null when nothing says it. */
  address(env: Environment): string | null;
  /** The port when MASTER_PORT is not set; null where it must be. */
  readonly port: number | null;
}

/** torch.distributed's and MMEngine's. */
const defaultPort = 29500;

const launchers: readonly Launcher[] = [
  {
    name: 'torchrun',
    size: ['WORLD_SIZE', 'RANK_SIZE'],
    rank: ['RANK', 'RANK_ID'],
    localRank: ['LOCAL_RANK', 'ASCEND_DEVICE_ID'],
    localSize: ['LOCAL_WORLD_SIZE'],
    binds: false,
    address: () => '127.0.0.1',
    port: null,
  },
  {
    name: 'mpi',
    size: ['OMPI_COMM_WORLD_SIZE'],
    rank: ['OMPI_COMM_WORLD_RANK'],
    localRank: ['OMPI_COMM_WORLD_LOCAL_RANK'],
    localSize: ['OMPI_COMM_WORLD_LOCAL_SIZE'],
    binds: true,
    address: (env) => (env.OMPI_COMM_WORLD_LOCAL_SIZE === env.OMPI_COMM_WORLD_SIZE ? '127.0.0.1' : null),
    port: defaultPort,
  },
  {
    // Not SLURM_NTASKS: a batch script has that too, and is no task.
    name: 'slurm',
    size: ['SLURM_STEP_NUM_TASKS'],
    rank: ['SLURM_PROCID'],
    localRank: ['SLURM_LOCALID'],
    localSize: ['SLURM_STEP_TASKS_PER_NODE'],
    binds: true,
    address: (env) => firstHost(env.SLURM_STEP_NODELIST ?? env.SLURM_NODELIST ?? ''),
    port: defaultPort,
  },
];

/** Who started this process as one of several; null when nobody did. */
export function launcherOf(env: Environment): Launcher | null {
  return launchers.find(({ size }) => size.some((name) => (env[name] ?? '') !== '')) ?? null;
}

/** The first host of a list as Slurm writes them: `node[03-05,9],login` is `node03`; null when it is none. */
export function firstHost(list: string): string | null {
  const [, prefix = '', first = '', rest = ''] = /^([\w.-]+)(?:\[(\w+)[^\]]*\]([\w.-]*))?/.exec(list) ?? [];
  return prefix === '' ? null : prefix + first + rest;
}

/** The first of `names` that is set, as a whole number; null when none is. */
export function wholeNumber(
  env: Environment,
  names: readonly string[],
  least: number,
  most: number,
): number | null {
  const name = names.find((candidate) => (env[candidate] ?? '') !== '');
  if (name === undefined) return null;
  const text = env[name] ?? '';
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new OmmaError(
    `distributed: ${name} must be a whole number from ${least} to ${most} but is ${JSON.stringify(text)}`,
  );
}
