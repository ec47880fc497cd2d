/** A run in an Open MPI job: MPI connects the ranks by itself, and tells them where rank 0's process group listens. */

import { networkInterfaces } from 'node:os';
import { joinMpi, mpiAvailable } from '@omma/collectives';
import { type HostCollectives, OmmaError } from '@omma/core';
import type { DistributedEnvironment } from './environment.ts';
import { freePort } from './freePort.ts';

/** Longest "address port" that rank 0 hands out. */
const placeBytes = 256;

export interface MpiJob {
  readonly host: HostCollectives | null;
  readonly environment: DistributedEnvironment;
  /** Why MPI is not used where it could be, in a line. */
  readonly warning: string | null;
}

/** Joins the MPI job where the run is one and its addon is there. OmmaError when MPI is asked for and missing, or does not start in time. */
export async function mpiJob(environment: DistributedEnvironment): Promise<MpiJob> {
  const { backend, launcher, rank, size, address } = environment;
  const wanted = backend === 'mpi' || (backend === 'auto' && launcher === 'mpi');
  if (!wanted || environment.group !== undefined) return { host: null, environment, warning: null };
  const available = mpiAvailable();
  if (available !== true) {
    if (backend === 'mpi') throw new OmmaError(`distributed: OMMA_DIST_BACKEND is mpi, but ${available}`);
    if (address === '') {
      throw new OmmaError(
        `distributed: mpirun starts this on several machines, and Open MPI cannot be used (${available}); set MASTER_ADDR to the address of rank 0's machine`,
      );
    }
    return { host: null, environment, warning: `Open MPI cannot be used: ${available}` };
  }
  const host = await started(environment.connectTimeout);
  if (host.rank !== rank || host.size !== size) {
    throw new OmmaError(
      `distributed: MPI says rank ${host.rank} of ${host.size}, the environment rank ${rank} of ${size}; start the processes with mpirun, or set OMMA_DIST_BACKEND to gloo`,
    );
  }
  const place = new Uint8Array(placeBytes);
  if (rank === 0) place.set(Buffer.from(JSON.stringify(await ownPlace(environment))));
  const said = Buffer.from((await host.broadcast(place, 'uint8', 0)).buffer)
    .toString('utf8')
    .replace(/\0+$/, '');
  const { address: at, port }: { address: string; port: number } = JSON.parse(said);
  return { host, environment: { ...environment, address: at, port }, warning: null };
}

async function started(timeout: number): Promise<HostCollectives> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new OmmaError(
          `distributed: Open MPI did not start within ${timeout / 1000} s; does every rank have the addon? OMMA_DIST_BACKEND=gloo goes without it`,
        ),
      );
    }, timeout);
  });
  try {
    return await Promise.race([joinMpi(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Where rank 0 listens: a free port, on an address that the other machines reach when there are some. */
async function ownPlace({ address }: DistributedEnvironment): Promise<{ address: string; port: number }> {
  const outside = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  const own = address === '' ? (outside?.address ?? '127.0.0.1') : address;
  return { address: own, port: await freePort(own) };
}
