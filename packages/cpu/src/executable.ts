/** A compiled graph on the CPU device: checks what goes in, makes what comes out, and hands both to the addon. */

import {
  DeviceError,
  type Executable,
  type Graph,
  graphValue,
  type HostTensor,
  hostArray,
  type NodeProfile,
  sizeOf,
  type TensorType,
} from '@omma/core';
import type { ExecutableHandle, NativeDevice } from './binding.ts';
import { asDeviceError } from './errors.ts';

interface Port extends TensorType {
  readonly name: string;
}

export class CpuExecutable implements Executable {
  readonly bytes: number;
  readonly #native: NativeDevice;
  readonly #handle: ExecutableHandle;
  readonly #inputs: readonly Port[];
  readonly #outputs: readonly Port[];

  constructor(native: NativeDevice, handle: ExecutableHandle, bytes: number, graph: Graph) {
    this.#native = native;
    this.#handle = handle;
    this.bytes = bytes;
    const typed = (port: { name: string; value: number }) => {
      const { shape, dtype } = graphValue(graph, port.value);
      return { name: port.name, shape, dtype };
    };
    this.#inputs = graph.inputs.map(typed);
    this.#outputs = graph.outputs.map(typed);
  }

  /** Input arrays are read when the run's turn comes: leave them unchanged until the promise is settled. */
  async run(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>> {
    const from = this.#inputs.map((port) => this.#checked(port, inputs[port.name]));
    const results = this.#outputs.map(({ name, shape, dtype }) => ({
      name,
      tensor: { shape, dtype, data: hostArray(dtype, sizeOf(shape)) },
    }));
    const to = results.map((result) => result.tensor.data);
    await asDeviceError(this.#native.run(this.#handle, from, to));
    return Object.fromEntries(results.map((result) => [result.name, result.tensor]));
  }

  profile(): readonly NodeProfile[] {
    return this.#native.profile(this.#handle).map((step) => ({
      name: step.detail === '' ? step.op : `${step.op} (${step.detail})`,
      op: step.op,
      scope: step.scope,
      milliseconds: step.milliseconds,
      runs: step.runs,
      bytes: step.bytes,
      flops: step.flops,
    }));
  }

  dispose(): void {
    this.#native.release(this.#handle);
  }

  #checked(port: Port, given: HostTensor | undefined) {
    const wanted = `${port.dtype}[${port.shape.join(', ')}]`;
    if (given === undefined) {
      throw new DeviceError(`cpu: input ${port.name} (${wanted}) is missing`);
    }
    if (given.dtype !== port.dtype || given.shape.join() !== port.shape.join()) {
      throw new DeviceError(
        `cpu: input ${port.name} must be ${wanted} but is ${given.dtype}[${given.shape.join(', ')}]`,
      );
    }
    if (
      given.data.length !== sizeOf(port.shape) ||
      given.data.constructor !== hostArray(port.dtype, 0).constructor
    ) {
      throw new DeviceError(
        `cpu: input ${port.name} must bring ${sizeOf(port.shape)} ${port.dtype} elements but brings a ` +
          `${given.data.constructor.name} of ${given.data.length}`,
      );
    }
    return given.data;
  }
}
