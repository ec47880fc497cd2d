/** How each side of the benchmark is started. */

import { fileURLToPath } from 'node:url';
import type { DataJob } from './dataJob.ts';
import type { Job } from './job.ts';
import type { Recipe } from './recipe.ts';
import type { Command } from './session.ts';

/** Root of the repository: this file is tools/dist/bench/commands.js. */
export const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** The `omma` command. */
export const ommaProgram = `${repository}packages/cli/bin/omma.js`;

const peersFolder = fileURLToPath(new URL('../../bench-peers/', import.meta.url));

/** Memory formats that PyTorch may choose from; of several it keeps the fastest. */
export type MemoryFormats = readonly ('contiguous' | 'channels_last')[];

export function oursCommand(job: Job): Command {
  return nodeCommand('./ommaWorker.js', job);
}

/** Where the build leaves the Ascend simulator, laid out as an installed toolkit. */
export const simulatorHome = `${repository}packages/ascend/simulator/build`;

/** Our side on a simulated chip: compiled models are kept in `cache`, and what the chip counted is in `stats` when the process has ended. */
export function simulatedCommand(job: Job, cache: string, stats: string): Command {
  const env = {
    ASCEND_TOOLKIT_HOME: simulatorHome,
    OMMA_ASCEND_CACHE: cache,
    OMMA_ASCEND_SIM_STATS: stats,
    OMMA_ASCEND_SIM_SOC: simulatedChip,
  };
  return { ...oursCommand({ ...job, device: 'ascend' }), env };
}

export const simulatedChip = 'Ascend910B3';

export function onnxRuntimeCommand(job: Job): Command {
  return nodeCommand('./onnxRuntimeWorker.js', job);
}

export function torchCommand(
  python: string,
  job: Job,
  options: { compile: boolean; formats: MemoryFormats },
): Command {
  return pythonCommand(python, 'torch_peer.py', { ...job, ...options }, job.threads);
}

export function torchProbeCommand(python: string): Command {
  return pythonCommand(python, 'torch_peer.py', { kind: 'probe' }, 1);
}

/** A whole training run in PyTorch. */
export function torchRecipeCommand(python: string, recipe: Recipe): Command {
  return pythonCommand(python, 'torch_run.py', recipe, recipe.threads);
}

/** The data pipeline, on one core. */
export function oursDataCommand(job: DataJob): Command {
  return nodeCommand('./ommaDataWorker.js', { ...job, threads: 1 });
}

export function torchDataCommand(python: string, job: DataJob): Command {
  return pythonCommand(python, 'torch_data.py', job, 1);
}

function nodeCommand(worker: string, job: { readonly threads: number }): Command {
  const path = fileURLToPath(new URL(worker, import.meta.url));
  return { program: process.execPath, args: [path, JSON.stringify(job)], threads: job.threads };
}

function pythonCommand(python: string, script: string, argument: object, threads: number): Command {
  return { program: python, args: [`${peersFolder}${script}`, JSON.stringify(argument)], threads };
}
