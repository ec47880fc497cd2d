/** A compiled step: feeds inputs and state to a session, and puts the state that comes back into its buffers. */

import {
  checkedInput,
  DeviceError,
  type Executable,
  type Graph,
  type HostTensor,
  type NodeProfile,
  type TypedPort,
  typedPorts,
} from '@omma/core';
import { fromElements, toElements } from '../elementArray.ts';
import type { StepModel, StepPort } from '../step.ts';
import type { StepHost } from '../stepHost.ts';
import type { OnnxBuffer } from './buffer.ts';
import { asDeviceError } from './errors.ts';
import { type OrtEvent, profileOf } from './profile.ts';
import type { Runtime, RuntimeTensor, Session } from './provider.ts';
import { arrayOf, tensorOf } from './tensors.ts';

/** What an executable needs of its device. */
export interface StepDevice {
  readonly name: string;
  /** Runs `job` after all that the device was given before. */
  enqueue<T>(job: () => Promise<T>): Promise<T>;
  /** Told once when an executable is disposed. */
  closed(executable: OnnxExecutable): void;
}

/** A loaded step with what it is bound to. */
export interface LoadedStep {
  readonly runtime: Runtime;
  readonly session: Session;
  readonly step: StepModel;
  /** Buffers by the names of the graph's state. */
  readonly state: ReadonlyMap<string, OnnxBuffer>;
  readonly host: StepHost | null;
  /** Reads the profile that the session wrote; null when it does not profile. */
  readonly readProfile: (() => readonly OrtEvent[]) | null;
}

type Feeds = Record<string, RuntimeTensor>;

export class OnnxExecutable implements Executable {
  readonly bytes: number;
  readonly #device: StepDevice;
  readonly #loaded: LoadedStep;
  readonly #inputs: readonly TypedPort[];
  #profile: readonly NodeProfile[] | null;
  #disposed = false;

  constructor(device: StepDevice, graph: Graph, loaded: LoadedStep) {
    this.bytes = loaded.step.bytes.byteLength;
    this.#device = device;
    this.#loaded = loaded;
    this.#inputs = typedPorts(graph, graph.inputs);
    this.#profile = loaded.readProfile === null ? [] : null;
  }

  /** Input arrays are read when the run's turn comes: leave them unchanged until the promise is settled. */
  async run(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>> {
    const { name } = this.#device;
    if (this.#disposed) throw new DeviceError(`${name}: the executable was disposed before this run`);
    for (const port of this.#inputs) checkedInput(name, port, inputs[port.name]);
    return this.#device.enqueue(() => this.#runNow(inputs));
  }

  /** Ends profiling: later runs are not in it. */
  profile(): readonly NodeProfile[] {
    this.#profile ??= this.#endProfile();
    return this.#profile;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const { session, host } = this.#loaded;
    if (this.#profile === null) this.profile();
    this.#device.closed(this);
    void this.#device.enqueue(async () => {
      host?.dispose();
      await session.release();
    });
  }

  async #runNow(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>> {
    const { runtime, session, step, host } = this.#loaded;
    const drawn = (await host?.run(inputs)) ?? null;
    const feeds: Feeds = {};
    for (const port of step.inputs) feeds[port.name] = this.#feed(port, inputs[port.port]);
    for (const feed of step.host?.feeds ?? [])
      feeds[feed.name] = this.#feed(feed, drawn?.outputs[feed.output]);
    for (const { slot, input } of step.state) {
      if (input !== null) feeds[input.name] = this.#buffer(slot).tensor(runtime);
    }
    const results = await session.run(feeds).catch((error: unknown) => {
      throw asDeviceError(this.#device.name, step.origin, error);
    });
    const outputs = await Promise.all(
      step.outputs.map(async (port) => [port.port, await hostOf(port, results[port.name])] as const),
    );
    for (const { slot, output } of step.state) {
      const result = output === null ? undefined : results[output.name];
      if (result !== undefined) this.#buffer(slot).replace(result);
    }
    await drawn?.commit();
    return Object.fromEntries(outputs);
  }

  #feed({ name, type, element }: StepPort, given: HostTensor | undefined): RuntimeTensor {
    if (given === undefined) throw new Error(`onnx: nothing is given for ${name}`);
    return tensorOf(this.#loaded.runtime, toElements(given, element), element, type.shape);
  }

  #buffer(slot: string): OnnxBuffer {
    const buffer = this.#loaded.state.get(slot);
    if (buffer === undefined) throw new Error(`onnx: no buffer is bound to state ${slot}`);
    return buffer;
  }

  #endProfile(): readonly NodeProfile[] {
    const { session, step, readProfile } = this.#loaded;
    if (readProfile === null) return [];
    session.endProfiling();
    return profileOf(readProfile(), step.origin);
  }
}

async function hostOf(
  { name, type, element }: StepPort,
  result: RuntimeTensor | undefined,
): Promise<HostTensor> {
  if (result === undefined) throw new Error(`onnx: ONNX Runtime made no ${name}`);
  return { ...type, data: fromElements(await arrayOf(result, element), element, type.dtype) };
}
