/** The peers of a run: what each Python named by --python offers, and ONNX Runtime. */

import {
  type MemoryFormats,
  onnxRuntimeCommand,
  oursCommand,
  torchCommand,
  torchProbeCommand,
} from './commands.ts';
import type { Job } from './job.ts';
import type { Reason } from './row.ts';
import { type Command, Session, SessionError } from './session.ts';

export interface Peer {
  readonly label: string;
  /** How to start it on a job, or why it cannot be. */
  command(job: Job): Command | Reason;
}

/** One Python: eager PyTorch and, where the version has it, torch.compile. */
export interface TorchPeers {
  readonly python: string | null;
  readonly eager: Peer;
  readonly compiled: Peer | null;
  /** Eager, in the format that is fastest on all processors we know, without trying: for memory. */
  readonly plain: Peer;
}

const allFormats: MemoryFormats = ['contiguous', 'channels_last'];

/** Asks every Python what it has. Without any there is one peer that says how to get one. */
export async function torchPeers(pythons: readonly string[]): Promise<readonly TorchPeers[]> {
  if (pythons.length === 0)
    return [withoutPython({ kind: 'missing', text: 'name a Python that has it with --python PATH' })];
  return Promise.all(pythons.map(probe));
}

async function probe(python: string): Promise<TorchPeers> {
  try {
    const session = await Session.start(torchProbeCommand(python));
    const { label, compiles } = await session.expect('probe');
    await session.stop();
    const peer = (name: string, compile: boolean, formats: MemoryFormats): Peer => ({
      label: name,
      command: (job) => torchCommand(python, job, { compile, formats }),
    });
    return {
      python,
      eager: peer(label, false, allFormats),
      compiled: compiles ? peer(`${label} compiled`, true, allFormats) : null,
      plain: peer(label, false, ['channels_last']),
    };
  } catch (error) {
    if (error instanceof SessionError) return withoutPython(error.reason);
    throw error;
  }
}

function withoutPython(reason: Reason): TorchPeers {
  const peer: Peer = { label: 'PyTorch', command: () => reason };
  return { python: null, eager: peer, compiled: null, plain: peer };
}

/** ONNX Runtime on the same network in float32, which is all that its CPU provider computes in. */
export const onnxRuntime: Peer = {
  label: 'ONNX Runtime, float32',
  command: (job) => onnxRuntimeCommand({ ...job, dtype: 'float32' }),
};

/** Omma itself without recomputation, to tell what that costs. */
export const ommaKeeping: Peer = {
  label: 'Omma, all kept',
  command: (job) => oursCommand({ ...job, recompute: false }),
};

/** Omma itself on its fastest device, to tell what another device costs. */
export const ommaOnCpu: Peer = {
  label: 'Omma on cpu',
  command: (job) => oursCommand({ ...job, device: 'cpu' }),
};
