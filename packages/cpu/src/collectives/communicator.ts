/** Collectives on the CPU device's buffers where they lie, in the order of its other work: the engine of a `HostCollectives` is called from the device's thread. */

import { createHash } from 'node:crypto';
import {
  type Communicator,
  checkParts,
  type Device,
  type DeviceBuffer,
  type HostCollectives,
  type ReduceOp,
  reduceOps,
} from '@omma/core';
import type { BufferHandle, NativeDevice } from '../binding.ts';
import { asDeviceError } from '../errors.ts';

export class CpuCommunicator implements Communicator {
  readonly device: Device;
  readonly inGraph = true;
  readonly #native: NativeDevice;
  readonly #host: HostCollectives;
  readonly #handle: (buffer: DeviceBuffer) => BufferHandle;

  constructor(
    device: Device,
    native: NativeDevice,
    host: HostCollectives,
    handle: (buffer: DeviceBuffer) => BufferHandle,
  ) {
    this.device = device;
    this.#native = native;
    this.#host = host;
    this.#handle = handle;
  }

  get name(): string {
    return this.#host.name;
  }

  get rank(): number {
    return this.#host.rank;
  }

  get size(): number {
    return this.#host.size;
  }

  async allReduce(buffer: DeviceBuffer, op: ReduceOp): Promise<void> {
    await asDeviceError(this.#native.allReduce(this.#handle(buffer), reduceOps.indexOf(op)));
  }

  async broadcast(buffer: DeviceBuffer, root: number): Promise<void> {
    await asDeviceError(this.#native.broadcast(this.#handle(buffer), root));
  }

  async allGather(source: DeviceBuffer, target: DeviceBuffer): Promise<void> {
    checkParts('allGather', this.size, source, target);
    await asDeviceError(this.#native.allGather(this.#handle(source), this.#handle(target)));
  }

  async reduceScatter(source: DeviceBuffer, target: DeviceBuffer, op: ReduceOp): Promise<void> {
    checkParts('reduceScatter', this.size, target, source);
    const [from, to] = [this.#handle(source), this.#handle(target)];
    await asDeviceError(this.#native.reduceScatter(from, to, reduceOps.indexOf(op)));
  }

  async barrier(): Promise<void> {
    await asDeviceError(this.#native.barrier());
  }

  failure(): Promise<string | null> {
    return this.#host.failure();
  }

  dispose(): Promise<void> {
    return this.#host.dispose();
  }

  abort(): Promise<void> {
    return this.#host.dispose();
  }
}

/** True when all ranks give the same text. */
export async function sameOnAllRanks(host: HostCollectives, text: string): Promise<boolean> {
  const own = createHash('sha256').update(text).digest();
  const all = await host.allGather(new Uint8Array(own), 'uint8');
  return all.every((byte, i) => byte === own[i % own.length]);
}
