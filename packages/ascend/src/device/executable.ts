/**
 * A compiled step on an Ascend device, as the main thread sees it: copies inputs into pinned memory, asks for runs, copies outputs out of it.
 *
 * Two runs can be under way, each in its own variant of that memory: while one computes, the inputs of the next are copied to the device.
 */

import {
  checkedInput,
  DeviceError,
  type Executable,
  type Graph,
  type HostTensor,
  type NodeProfile,
  sizeOf,
  type TypedPort,
  typedPorts,
} from '@omma/core';
import {
  elementSize,
  elementView,
  fromElements,
  type StepHost,
  type StepModel,
  type StepPort,
  toElements,
} from '@omma/onnx';
import { nativeBytes } from '../acl/symbols.ts';
import type { BoundModel } from '../worker/protocol.ts';
import type { Posted } from './commandQueue.ts';

/** What an executable needs of its device. */
export interface RunDevice {
  readonly name: string;
  /** Posts after all that the device was given before. Rejects with DeviceError. */
  enqueue<T>(post: () => Promise<Posted<T>>): Promise<T>;
  run(model: number, variant: number): Promise<unknown>;
  /** Told once when an executable is disposed. */
  closed(executable: AscendExecutable): void;
}

/** A loaded step with what it is bound to. */
export interface BoundStep {
  /** Id of the model in the device's thread. */
  readonly model: number;
  readonly step: StepModel;
  readonly host: StepHost | null;
  readonly bound: BoundModel;
  /** Position of each host port among the model's inputs or outputs, by name. */
  readonly inputAt: ReadonlyMap<string, number>;
  readonly outputAt: ReadonlyMap<string, number>;
  /** Bytes of device memory. */
  readonly bytes: number;
  readonly times: PreparationTimes;
}

/** What it took until the step could run, in milliseconds. */
export interface PreparationTimes {
  /** By `atc`; next to nothing where the compiled model was in the cache. */
  readonly atc: number;
  /** Loading the compiled model, taking memory, building the datasets. */
  readonly load: number;
}

interface Place {
  readonly port: StepPort;
  /** Name among the run's inputs, the host part's outputs, or the run's outputs. */
  readonly key: string;
  readonly bytes: Uint8Array;
}

interface Variant {
  readonly inputs: readonly Place[];
  readonly feeds: readonly Place[];
  readonly outputs: readonly Place[];
  /** Settles when the last run in it has ended and its outputs have been copied out. */
  idle: Promise<unknown>;
}

export class AscendExecutable implements Executable {
  readonly bytes: number;
  readonly model: number;
  readonly times: PreparationTimes;
  readonly #device: RunDevice;
  readonly #step: BoundStep;
  readonly #inputs: readonly TypedPort[];
  readonly #variants: readonly Variant[];
  #runs = 0;
  #milliseconds = 0;
  #ended = 0;
  #disposed = false;

  constructor(device: RunDevice, graph: Graph, step: BoundStep) {
    this.bytes = step.bytes;
    this.model = step.model;
    this.times = step.times;
    this.#device = device;
    this.#step = step;
    this.#inputs = typedPorts(graph, graph.inputs);
    this.#variants = step.bound.variants.map((_, index) => variantOf(step, index));
  }

  /** Input arrays are read when the run's turn comes: leave them unchanged until the promise is settled. */
  async run(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>> {
    const { name } = this.#device;
    if (this.#disposed) throw new DeviceError(`${name}: the executable was disposed before this run`);
    for (const port of this.#inputs) checkedInput(name, port, inputs[port.name]);
    return this.#device.enqueue(() => this.#post(inputs));
  }

  /** One row for the whole step: the chip's own profiler (msprof) looks into it, AscendCL does not. */
  profile(): readonly NodeProfile[] {
    const row = { name: 'step', op: 'step', scope: '', bytes: 0, flops: 0 };
    return this.#ended === 0 ? [] : [{ ...row, milliseconds: this.#milliseconds, runs: this.#ended }];
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#step.host?.dispose();
    this.#device.closed(this);
  }

  async #post(inputs: Readonly<Record<string, HostTensor>>): Promise<Posted<Record<string, HostTensor>>> {
    const index = this.#runs++ % this.#variants.length;
    const variant = this.#variants[index];
    if (variant === undefined) throw new Error('ascend: a step without memory');
    const drawn = (await this.#step.host?.run(inputs)) ?? null;
    await variant.idle;
    for (const place of variant.inputs) fill(place, inputs[place.key]);
    for (const place of variant.feeds) fill(place, drawn?.outputs[place.key]);
    const ended = this.#run(index, variant);
    variant.idle = ended.catch(() => undefined);
    // Kept before the step has ended, so that the next one can draw meanwhile. A step that fails ends the run, which goes on from a checkpoint.
    await drawn?.commit();
    return { ended };
  }

  async #run(index: number, variant: Variant): Promise<Record<string, HostTensor>> {
    const started = performance.now();
    await this.#device.run(this.model, index);
    this.#milliseconds += performance.now() - started;
    this.#ended++;
    return Object.fromEntries(variant.outputs.map((place) => [place.key, copyOut(place)]));
  }
}

function variantOf({ step, bound, inputAt, outputAt }: BoundStep, index: number): Variant {
  const memory = bound.variants[index];
  const place = (
    port: StepPort,
    key: string,
    positions: ReadonlyMap<string, number>,
    addresses: readonly (bigint | null)[] = [],
  ): Place => {
    const address = addresses[positions.get(port.name) ?? -1] ?? null;
    const size = sizeOf(port.type.shape) * elementSize(port.element);
    if (address === null && size > 0) throw new Error(`ascend: ${port.name} has no memory`);
    return { port, key, bytes: address === null ? new Uint8Array(0) : nativeBytes(address, size) };
  };
  return {
    inputs: step.inputs.map((port) => place(port, port.port, inputAt, memory?.inputs)),
    feeds: (step.host?.feeds ?? []).map((port) => place(port, port.output, inputAt, memory?.inputs)),
    outputs: step.outputs.map((port) => place(port, port.port, outputAt, memory?.outputs)),
    idle: Promise.resolve(),
  };
}

function fill({ port, bytes }: Place, given: HostTensor | undefined): void {
  if (given === undefined) throw new Error(`ascend: nothing is given for ${port.name}`);
  const { buffer, byteOffset, byteLength } = toElements(given, port.element);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
}

function copyOut({ port, bytes }: Place): HostTensor {
  const { shape, dtype } = port.type;
  const copy = elementView(port.element, bytes.slice().buffer, 0, sizeOf(shape));
  return { shape, dtype, data: fromElements(copy, port.element, dtype) };
}
