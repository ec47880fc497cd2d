/**
 * The CPU device: hands whole graphs to the addon, which compiles them to oneDNN primitives and runs them on its own thread.
 *
 * What is decided here is what becomes one kernel (the passes in `optimise.ts`); where things lie in memory, and in which
 * layout, is decided in native/src/plan.
 */

import { availableParallelism, cpus } from 'node:os';
import {
  type Communicator,
  type CompileOptions,
  checkUpload,
  type Device,
  type DeviceBuffer,
  type DeviceCapabilities,
  DeviceError,
  type DType,
  dtypes,
  type Executable,
  type Graph,
  graphValue,
  type HostArray,
  type HostCollectives,
  hostArray,
  type MemoryUse,
  type Node,
  registerDevice,
  sizeOf,
  stateBuffers,
  type TensorType,
  threadCount,
} from '@omma/core';
import { type Binding, type BufferHandle, loadBinding, type NativeDevice } from './binding.ts';
import { CpuCommunicator, sameOnAllRanks } from './collectives/communicator.ts';
import type { Sums } from './collectives/overlap.ts';
import { asDeviceError } from './errors.ts';
import { CpuExecutable } from './executable.ts';
import { optimise, takesInPasses } from './optimise.ts';

class CpuBuffer implements DeviceBuffer {
  readonly type: TensorType;
  readonly handle: BufferHandle;
  readonly owner: CpuDevice;

  constructor(type: TensorType, handle: BufferHandle, owner: CpuDevice) {
    this.type = { shape: type.shape, dtype: type.dtype };
    this.handle = handle;
    this.owner = owner;
  }
}

class CpuDevice implements Device {
  readonly name = 'cpu';
  readonly capabilities: DeviceCapabilities;
  readonly #native: NativeDevice;
  #sums: Sums = 'beside';
  /** `process.exit` takes libraries down under running threads, so the device's thread must stop before: a run ends after its step. */
  readonly #stop = () => this.#native.dispose();

  constructor(binding: Binding) {
    const threads = threadCount('cpu', process.env.OMMA_NUM_THREADS, availableParallelism());
    this.#native = new binding.Device(threads);
    process.once('exit', this.#stop);
    const mixedPrecision: DType[] = binding.bfloat16 ? ['bfloat16'] : [];
    const processor = cpus()[0]?.model.trim() ?? 'unknown processor';
    this.capabilities = {
      dtypes,
      mixedPrecision,
      description: `${processor}, ${binding.isa}, ${threads} threads, oneDNN ${binding.onednn}`,
    };
  }

  supports(node: Node, graph: Graph): true | string {
    if (takesInPasses(node)) return true;
    const types = (ids: readonly number[]) => ids.map((id) => graphValue(graph, id));
    const reason = this.#native.refuse(node.op, node.attrs, types(node.inputs), types(node.outputs));
    return reason === '' ? true : reason;
  }

  async compile(graph: Graph, options: CompileOptions): Promise<Executable> {
    const buffers = stateBuffers('cpu', graph, options.state).map((buffer) => this.#own(buffer).handle);
    const ready = optimise(graph, this.#sums);
    const { profile = false } = options;
    const made = await asDeviceError(this.#native.compile(ready, buffers, profile));
    return new CpuExecutable(this.#native, made.handle, made.bytes, graph, profile ? ready : null);
  }

  allocate(type: TensorType): DeviceBuffer {
    return new CpuBuffer(type, this.#native.allocate(type), this);
  }

  free(buffer: DeviceBuffer): void {
    this.#native.free(this.#own(buffer).handle);
  }

  /** `data` is read when its turn comes: leave it unchanged until the promise is settled. */
  async upload(buffer: DeviceBuffer, data: HostArray): Promise<void> {
    const own = this.#own(buffer);
    checkUpload('cpu', own.type, data);
    await asDeviceError(this.#native.upload(own.handle, data));
  }

  async download(buffer: DeviceBuffer): Promise<HostArray> {
    const own = this.#own(buffer);
    const data = hostArray(own.type.dtype, sizeOf(own.type.shape));
    await asDeviceError(this.#native.download(own.handle, data));
    return data;
  }

  memory(): MemoryUse {
    return this.#native.memory();
  }

  async attach(host: HostCollectives): Promise<Communicator | null> {
    if (host.native === undefined) return null;
    const alike = await sameOnAllRanks(host, this.capabilities.description);
    await asDeviceError(this.#native.attach(host.native, alike));
    this.#sums = host.lazy !== true ? 'beside' : alike ? 'taken' : 'waited';
    return new CpuCommunicator(this, this.#native, host, (buffer) => this.#own(buffer).handle);
  }

  async synchronize(): Promise<void> {
    await asDeviceError(this.#native.synchronize());
  }

  dispose(): void {
    process.off('exit', this.#stop);
    this.#native.dispose();
  }

  #own(buffer: DeviceBuffer): CpuBuffer {
    if (buffer instanceof CpuBuffer && buffer.owner === this) return buffer;
    throw new DeviceError('cpu: the buffer belongs to another device');
  }
}

/** A device of its own, beside the one that `device('cpu')` opens. */
export function createCpuDevice(): Device {
  const binding = loadBinding();
  if (typeof binding === 'string') throw new DeviceError(`device cpu: ${binding}`);
  return new CpuDevice(binding);
}

registerDevice({
  name: 'cpu',
  priority: 100,
  available: () => {
    const binding = loadBinding();
    return typeof binding === 'string' ? binding : true;
  },
  create: createCpuDevice,
});
