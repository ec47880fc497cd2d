/**
 * Runs the host's part of a step (`StepModel.host`: random numbers) on core's reference device. Shared by the devices that run steps.
 *
 * Its state lives where the device keeps all state, so that a checkpoint finds it there; it is a few words long. What a run makes of it is
 * handed over only by `commit`, after the device's part has succeeded: a step that fails has not drawn.
 */

import {
  at,
  type Device,
  type DeviceBuffer,
  device,
  type Executable,
  type Graph,
  type HostArray,
  type HostTensor,
} from '@omma/core';

/** A device's buffer as the host's part sees it. */
export interface HostState {
  read(): Promise<HostArray>;
  write(data: HostArray): void | Promise<void>;
}

/** One draw: inputs for the model by the names of the host graph's outputs. */
export interface HostRun {
  readonly outputs: Readonly<Record<string, HostTensor>>;
  commit(): Promise<void>;
}

interface Slot {
  readonly written: boolean;
  readonly buffer: DeviceBuffer;
  readonly state: HostState;
}

export class StepHost {
  readonly #reference: Device;
  readonly #executable: Executable;
  readonly #inputs: readonly string[];
  readonly #slots: readonly Slot[];

  private constructor(reference: Device, executable: Executable, graph: Graph, slots: readonly Slot[]) {
    this.#reference = reference;
    this.#executable = executable;
    this.#inputs = graph.inputs.map((port) => port.name);
    this.#slots = slots;
  }

  /** For `StepModel.host.graph`; `state` are the device's buffers by slot name. */
  static async create(graph: Graph, state: ReadonlyMap<string, HostState>): Promise<StepHost> {
    const reference = device('reference');
    const slots = graph.state.map(({ name, read, write }) => {
      const own = state.get(name);
      if (own === undefined) throw new Error(`onnx: no buffer is bound to state ${name}`);
      return { written: write !== null, buffer: reference.allocate(at(graph.values, read)), state: own };
    });
    const buffers = new Map(graph.state.map(({ name }, i) => [name, at(slots, i).buffer]));
    return new StepHost(reference, await reference.compile(graph, { state: buffers }), graph, slots);
  }

  /** Draws. `inputs` are those of the whole step. */
  async run(inputs: Readonly<Record<string, HostTensor>>): Promise<HostRun> {
    for (const { buffer, state } of this.#slots) await this.#reference.upload(buffer, await state.read());
    const own = this.#inputs.flatMap((name) => {
      const given = inputs[name];
      return given === undefined ? [] : [[name, given] as const];
    });
    const outputs = await this.#executable.run(Object.fromEntries(own));
    const commit = async () => {
      for (const { written, buffer, state } of this.#slots) {
        if (written) await state.write(await this.#reference.download(buffer));
      }
    };
    return { outputs, commit };
  }

  dispose(): void {
    this.#executable.dispose();
    for (const { buffer } of this.#slots) this.#reference.free(buffer);
  }
}
