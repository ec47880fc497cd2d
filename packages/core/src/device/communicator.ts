/**
 * Communicator: collective operations between the processes of one training run, on device buffers.
 *
 * The one interface behind which HCCL, Gloo, MPI and the engine's own TCP group stand. Data parallel training needs no more: gradients
 * are state of a device, so they are reduced where they lie. Like `Device` it is a contract; a device that has a collective library of
 * its own offers it through `Device.connect`, for the others `HostCommunicator` moves buffers through host memory.
 *
 * Every process must make the same calls in the same order. Reductions give the same bits on every rank.
 */

import { byteSize, type DType, type HostArray } from '../dtype.ts';
import { DeviceError } from '../errors.ts';
import { formatType } from '../graph/print.ts';
import { sizeOf } from '../shape.ts';
import { type HostTensor, hostTensor } from '../tensor.ts';
import type { Device, DeviceBuffer } from './device.ts';

export const reduceOps = ['sum', 'prod', 'max', 'min'] as const;
export type ReduceOp = (typeof reduceOps)[number];

/**
 * How processes find each other before they have a communicator: a place where one leaves bytes under a key and others wait for them.
 * HCCL's root info goes this way. Waits are bounded; OmmaError says what was missing.
 */
export interface Rendezvous {
  readonly rank: number;
  readonly size: number;
  set(key: string, value: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array>;
}

/**
 * Collectives on buffers of `device`. A promise resolves when the operation is in the device's order of work: whatever is given to the
 * device or the communicator afterwards sees its result. A failure may show only then, and at the latest after a bounded time.
 */
export interface Communicator {
  /** Of the engine: `hccl`, `shm`, `gloo`, `mpi`, `tcp`. */
  readonly name: string;
  readonly rank: number;
  readonly size: number;
  readonly device: Device;
  /** True where the op `allReduce` between these ranks runs inside the device's programs, overlapped with what does not need its result. */
  readonly inGraph: boolean;
  /** Combines the buffers of all ranks element by element, in place. */
  allReduce(buffer: DeviceBuffer, op: ReduceOp): Promise<void>;
  /** Overwrites the buffer of every rank with that of `root`. */
  broadcast(buffer: DeviceBuffer, root: number): Promise<void>;
  /** Puts the buffers of all ranks one after the other into `target`, which has `size` times the elements of `source`. */
  allGather(source: DeviceBuffer, target: DeviceBuffer): Promise<void>;
  /** Combines the sources of all ranks and gives each rank its part: `source` has `size` times the elements of `target`. */
  reduceScatter(source: DeviceBuffer, target: DeviceBuffer, op: ReduceOp): Promise<void>;
  /** Resolves when every rank has called it and all collectives before it are done. */
  barrier(): Promise<void>;
  /** Why the group cannot go on, in a line, as far as this rank can tell: a rank that died. Null when nothing is known to be wrong. */
  failure(): Promise<string | null>;
  /** Leaves the group. The device stays open. */
  dispose(): Promise<void>;
  /** Leaves a group that broke: ends what waits for the others, where only giving up the device can do that. */
  abort(): Promise<void>;
}

declare const nativeTable: unique symbol;

/** Collectives as a C table for native code of this process: `native/omma_collectives.h`. Opaque to JavaScript. */
export interface NativeCollectives {
  readonly [nativeTable]: true;
}

/**
 * The same operations on arrays in host memory: what a transport (TCP, Gloo, MPI) provides. The array that goes in may be overwritten, and may be the
 * one that comes out.
 */
export interface HostCollectives {
  readonly name: string;
  readonly rank: number;
  readonly size: number;
  /** For devices that compute in host memory, see `Device.attach`; absent where the transport is not native code. */
  readonly native?: NativeCollectives;
  /** True where the thread that waits for a collective carries it out: to start one early gains nothing, and `native` hands sums over in pieces. */
  readonly lazy?: boolean;
  allReduce(data: HostArray, dtype: DType, op: ReduceOp): Promise<HostArray>;
  broadcast(data: HostArray, dtype: DType, root: number): Promise<HostArray>;
  allGather(data: HostArray, dtype: DType): Promise<HostArray>;
  reduceScatter(data: HostArray, dtype: DType, op: ReduceOp): Promise<HostArray>;
  barrier(): Promise<void>;
  failure(): Promise<string | null>;
  dispose(): Promise<void>;
  /** Leaves a group that broke, where leaving waits for the others otherwise. */
  abort?(): Promise<void>;
}

/** What communicators on top of `HostCollectives` have in common: who they are, what fits together, and leaving. */
export abstract class CommunicatorOnHost implements Communicator {
  readonly device: Device;
  abstract readonly inGraph: boolean;
  protected readonly host: HostCollectives;

  constructor(device: Device, host: HostCollectives) {
    this.device = device;
    this.host = host;
  }

  get name(): string {
    return this.host.name;
  }

  get rank(): number {
    return this.host.rank;
  }

  get size(): number {
    return this.host.size;
  }

  abstract allReduce(buffer: DeviceBuffer, op: ReduceOp): Promise<void>;
  abstract broadcast(buffer: DeviceBuffer, root: number): Promise<void>;
  abstract barrier(): Promise<void>;
  /** `allGather` and `reduceScatter` of buffers that fit together. */
  protected abstract gathered(source: DeviceBuffer, target: DeviceBuffer): Promise<void>;
  protected abstract scattered(source: DeviceBuffer, target: DeviceBuffer, op: ReduceOp): Promise<void>;

  async allGather(source: DeviceBuffer, target: DeviceBuffer): Promise<void> {
    checkParts('allGather', this.size, source, target);
    await this.gathered(source, target);
  }

  async reduceScatter(source: DeviceBuffer, target: DeviceBuffer, op: ReduceOp): Promise<void> {
    checkParts('reduceScatter', this.size, target, source);
    await this.scattered(source, target, op);
  }

  failure(): Promise<string | null> {
    return this.host.failure();
  }

  dispose(): Promise<void> {
    return this.host.dispose();
  }

  abort(): Promise<void> {
    return this.host.abort?.() ?? this.host.dispose();
  }
}

/** A communicator for any device, by way of host memory. */
export class HostCommunicator extends CommunicatorOnHost {
  readonly inGraph = false;

  async allReduce(buffer: DeviceBuffer, op: ReduceOp): Promise<void> {
    const data = await this.device.download(buffer);
    await this.device.upload(buffer, await this.host.allReduce(data, buffer.type.dtype, op));
  }

  async broadcast(buffer: DeviceBuffer, root: number): Promise<void> {
    const data = await this.device.download(buffer);
    const received = await this.host.broadcast(data, buffer.type.dtype, root);
    if (this.rank !== root) await this.device.upload(buffer, received);
  }

  async barrier(): Promise<void> {
    await this.device.synchronize();
    await this.host.barrier();
  }

  protected async gathered(source: DeviceBuffer, target: DeviceBuffer): Promise<void> {
    const data = await this.device.download(source);
    await this.device.upload(target, await this.host.allGather(data, source.type.dtype));
  }

  protected async scattered(source: DeviceBuffer, target: DeviceBuffer, op: ReduceOp): Promise<void> {
    const data = await this.device.download(source);
    await this.device.upload(target, await this.host.reduceScatter(data, source.type.dtype, op));
  }
}

/** Throws DeviceError unless `whole` has the dtype of `part` and `size` times its elements. */
export function checkParts(what: string, size: number, part: DeviceBuffer, whole: DeviceBuffer): void {
  const fits =
    part.type.dtype === whole.type.dtype && sizeOf(whole.type.shape) === size * sizeOf(part.type.shape);
  if (fits) return;
  throw new DeviceError(
    `${what}: between ${size} ranks the whole must have ${size} times the elements of a part and its dtype, but the part is ` +
      `${formatType(part.type)} and the whole ${formatType(whole.type)}`,
  );
}

/** The tensors of all ranks, in rank order: each rank gives one of the same shape and dtype. By way of device memory. */
export async function allGatherHost(communicator: Communicator, tensor: HostTensor): Promise<HostTensor[]> {
  const { device, size } = communicator;
  if (size === 1) return [tensor];
  const source = device.allocate(tensor);
  const target = device.allocate({ shape: [size, ...tensor.shape], dtype: tensor.dtype });
  try {
    await device.upload(source, tensor.data);
    await communicator.allGather(source, target);
    const all = await device.download(target);
    const part = sizeOf(tensor.shape);
    return Array.from({ length: size }, (_, rank) =>
      hostTensor(tensor.shape, tensor.dtype, all.slice(rank * part, (rank + 1) * part)),
    );
  } finally {
    device.free(source);
    device.free(target);
  }
}

/** Combines the tensors of all ranks element by element. By way of device memory. */
export async function allReduceHost(
  communicator: Communicator,
  tensor: HostTensor,
  op: ReduceOp,
): Promise<HostTensor> {
  const { device } = communicator;
  const buffer = device.allocate(tensor);
  try {
    await device.upload(buffer, tensor.data);
    await communicator.allReduce(buffer, op);
    const data = await device.download(buffer);
    return hostTensor(tensor.shape, tensor.dtype, data.slice());
  } finally {
    device.free(buffer);
  }
}

/** The bytes of an array, without a copy. */
export function bytesOf(data: HostArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The elements of `dtype` in `bytes`: in place where they are aligned, else a copy. */
export function arrayFromBytes(dtype: DType, bytes: Uint8Array): HostArray {
  const width = byteSize(dtype);
  if (bytes.length % width !== 0) {
    throw new DeviceError(`${bytes.length} bytes are no whole number of ${dtype} elements of ${width} bytes`);
  }
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  const length = bytes.length / width;
  switch (dtype) {
    case 'float32':
      return new Float32Array(aligned.buffer, aligned.byteOffset, length);
    case 'float16':
    case 'bfloat16':
      return new Uint16Array(aligned.buffer, aligned.byteOffset, length);
    case 'int32':
      return new Int32Array(aligned.buffer, aligned.byteOffset, length);
    case 'uint32':
      return new Uint32Array(aligned.buffer, aligned.byteOffset, length);
    case 'uint8':
    case 'bool':
      return new Uint8Array(aligned.buffer, aligned.byteOffset, length);
  }
}
