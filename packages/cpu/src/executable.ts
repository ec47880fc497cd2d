/** A compiled graph on the CPU device: checks what goes in, makes what comes out, and hands both to the addon. */

import {
  checkedInput,
  type Executable,
  type Graph,
  type HostTensor,
  hostArray,
  type NodeProfile,
  type NodeShapes,
  sizeOf,
  type TypedPort,
  typedPorts,
} from '@omma/core';
import type { ExecutableHandle, NativeDevice } from './binding.ts';
import { asDeviceError } from './errors.ts';
import { shapesByName } from './profileShapes.ts';

export class CpuExecutable implements Executable {
  readonly bytes: number;
  readonly #native: NativeDevice;
  readonly #handle: ExecutableHandle;
  readonly #inputs: readonly TypedPort[];
  readonly #outputs: readonly TypedPort[];

  readonly #shapes: ((op: string, scope: string) => NodeShapes | null) | null;

  /** `ready` is the graph that the addon was given, where its profile is wanted; null elsewhere. */
  constructor(
    native: NativeDevice,
    handle: ExecutableHandle,
    bytes: number,
    graph: Graph,
    ready: Graph | null,
  ) {
    this.#native = native;
    this.#handle = handle;
    this.bytes = bytes;
    this.#shapes = ready === null ? null : shapesByName(ready);
    this.#inputs = typedPorts(graph, graph.inputs);
    this.#outputs = typedPorts(graph, graph.outputs);
  }

  /** Input arrays are read when the run's turn comes: leave them unchanged until the promise is settled. */
  async run(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>> {
    const from = this.#inputs.map((port) => checkedInput('cpu', port, inputs[port.name]));
    const results = this.#outputs.map(({ name, shape, dtype }) => ({
      name,
      tensor: { shape, dtype, data: hostArray(dtype, sizeOf(shape)) },
    }));
    const to = results.map((result) => result.tensor.data);
    await asDeviceError(this.#native.run(this.#handle, from, to));
    return Object.fromEntries(results.map((result) => [result.name, result.tensor]));
  }

  profile(): readonly NodeProfile[] {
    return this.#native.profile(this.#handle).map((step) => {
      const shapes = this.#shapes?.(step.op, step.scope) ?? null;
      return {
        name: step.detail === '' ? step.op : `${step.op} (${step.detail})`,
        op: step.op,
        scope: step.scope,
        milliseconds: step.milliseconds,
        runs: step.runs,
        bytes: step.bytes,
        flops: step.flops,
        ...(shapes === null ? {} : { shapes }),
      };
    });
  }

  dispose(): void {
    this.#native.release(this.#handle);
  }
}
