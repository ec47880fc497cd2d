/**
 * Which collective engine the ranks use: the device's own library (HCCL), Open MPI in a job of its own, shared memory where all ranks are on one machine, Gloo,
 * and where its addon is missing on some rank the process group's plain TCP, which is slower and says so.
 */

import { connectGloo, connectShared, glooAvailable } from '@omma/collectives';
import {
  type Communicator,
  type Device,
  type HostCollectives,
  HostCommunicator,
  OmmaError,
} from '@omma/core';
import type { DistributedEnvironment } from './environment.ts';
import type { MpiJob } from './mpi.ts';
import type { ProcessGroup } from './processGroup.ts';
import { allGatherText } from './text.ts';

export interface Connected {
  readonly communicator: Communicator;
  /** Why it is not the fastest engine there is, in a line; null when it is. */
  readonly warning: string | null;
}

/** Connects `device` with those of the other ranks of `group`. */
export async function connectDevice(device: Device, group: ProcessGroup, job: MpiJob): Promise<Connected> {
  if (device.connect !== undefined) return { communicator: await device.connect(group), warning: null };
  const { host, warning } =
    job.host === null ? await hostCollectives(group, job.environment) : { host: job.host, warning: null };
  return {
    communicator: (await device.attach?.(host)) ?? new HostCommunicator(device, host),
    warning: warning ?? job.warning,
  };
}

async function hostCollectives(
  group: ProcessGroup,
  { backend, collectiveTimeout }: DistributedEnvironment,
): Promise<{ host: HostCollectives; warning: string | null }> {
  if (backend === 'tcp') return { host: group, warning: null };
  let warning: string | null = null;
  if (backend !== 'gloo') {
    const shared = await connectShared(group, collectiveTimeout);
    if (typeof shared !== 'string') return { host: shared, warning: null };
    if (backend === 'shm') throw new OmmaError(`distributed: OMMA_DIST_BACKEND is shm, but ${shared}`);
    // Between machines there is none, and nothing to be told.
    if (new Set(group.addresses).size === 1)
      warning = `collectives go over Gloo, which is slower than memory that the ranks of one machine share, because ${shared}`;
  }
  const available = glooAvailable();
  const reasons = await allGatherText(group, available === true ? '' : available);
  const without = reasons.findIndex((reason) => reason !== '');
  if (without === -1) {
    const options = { host: group.localAddress, timeout: collectiveTimeout };
    return { host: await connectGloo(group, options), warning };
  }
  const found = `rank ${without} has no Gloo: ${reasons[without]}`;
  if (backend === 'gloo') throw new OmmaError(`distributed: OMMA_DIST_BACKEND is gloo, but ${found}`);
  return { host: group, warning: `collectives go over plain TCP, which is slower, because ${found}` };
}
