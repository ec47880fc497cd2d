/**
 * Open MPI: for processes that `mpirun` or a scheduler with PMIx started, which know who they are without a rendezvous. MPI is initialised once a
 * process; a rank that dies takes the job with it.
 */

import { type HostCollectives, OmmaError } from '@omma/core';
import { loadAddon, type MpiBinding, type NativeMpi } from './binding.ts';
import { EngineCollectives } from './engine.ts';

const binding = () => loadAddon<MpiBinding>('mpi', 'libopenmpi-dev');

/** True, or in one line why Open MPI cannot be used on this machine and what to do about it. */
export function mpiAvailable(): true | string {
  const found = binding();
  return typeof found === 'string' ? found : true;
}

class MpiCollectives extends EngineCollectives {
  readonly #mpi: NativeMpi;

  constructor(mpi: NativeMpi) {
    super('mpi', mpi.rank, mpi.size, mpi);
    this.#mpi = mpi;
  }

  /** After a run that went well every rank finalises MPI; after a failure nobody can. */
  override async dispose(): Promise<void> {
    if ((await this.failure()) === null) await this.#mpi.finish();
    await super.dispose();
  }

  /** mpirun ends the job a second after it has lost a rank: what the run has to say must be out by then. */
  async abort(): Promise<void> {
    await super.dispose();
  }
}

/** This process's part in the MPI job that started it. OmmaError where the addon is missing or MPI does not start. */
export async function joinMpi(): Promise<HostCollectives> {
  const found = binding();
  if (typeof found === 'string') throw new OmmaError(`mpi: ${found}`);
  try {
    const mpi = new found.Mpi();
    await mpi.start();
    return new MpiCollectives(mpi);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`distributed: Open MPI does not start: ${reason}`, { cause: error });
  }
}
