/** Collectives on the CPU device's buffers where they lie, in the order of its other work: the engine of a `HostCollectives` is called from the device's thread. */

import { createHash } from 'node:crypto';
import {
  CommunicatorOnHost,
  type Device,
  type DeviceBuffer,
  type HostCollectives,
  type ReduceOp,
  reduceOps,
} from '@omma/core';
import type { BufferHandle, NativeDevice } from '../binding.ts';
import { asDeviceError } from '../errors.ts';

export class CpuCommunicator extends CommunicatorOnHost {
  readonly inGraph = true;
  readonly #native: NativeDevice;
  readonly #handle: (buffer: DeviceBuffer) => BufferHandle;

  constructor(
    device: Device,
    native: NativeDevice,
    host: HostCollectives,
    handle: (buffer: DeviceBuffer) => BufferHandle,
  ) {
    super(device, host);
    this.#native = native;
    this.#handle = handle;
  }

  async allReduce(buffer: DeviceBuffer, op: ReduceOp): Promise<void> {
    await asDeviceError(this.#native.allReduce(this.#handle(buffer), reduceOps.indexOf(op)));
  }

  async broadcast(buffer: DeviceBuffer, root: number): Promise<void> {
    await asDeviceError(this.#native.broadcast(this.#handle(buffer), root));
  }

  async barrier(): Promise<void> {
    await asDeviceError(this.#native.barrier());
  }

  protected async gathered(source: DeviceBuffer, target: DeviceBuffer): Promise<void> {
    await asDeviceError(this.#native.allGather(this.#handle(source), this.#handle(target)));
  }

  protected async scattered(source: DeviceBuffer, target: DeviceBuffer, op: ReduceOp): Promise<void> {
    const [from, to] = [this.#handle(source), this.#handle(target)];
    await asDeviceError(this.#native.reduceScatter(from, to, reduceOps.indexOf(op)));
  }
}

/** True when all ranks give the same text. */
export async function sameOnAllRanks(host: HostCollectives, text: string): Promise<boolean> {
  const own = createHash('sha256').update(text).digest();
  const all = await host.allGather(new Uint8Array(own), 'uint8');
  return all.every((byte, i) => byte === own[i % own.length]);
}
