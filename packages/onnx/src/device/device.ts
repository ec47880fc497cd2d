/**
 * The ONNX device: lowers a graph to ONNX operators and runs it with ONNX Runtime, training steps included.
 *
 * Slower than a device of our own and there wherever npm is. What it supports is what `@omma/onnx` has rules for: core's lowering pass
 * asks `supports` and takes the rest apart, so there is one table of what ONNX can do. One class for every execution provider and for
 * Node and the browser; they differ in the `Provider`.
 */

import {
  at,
  type CompileOptions,
  checkUpload,
  type Device,
  type DeviceBuffer,
  type DeviceCapabilities,
  DeviceError,
  dtypes,
  type Executable,
  type Graph,
  type HostArray,
  type MemoryUse,
  type Node,
  stateBuffers,
  type TensorType,
} from '@omma/core';
import type { Dialect } from '../dialect/dialect.ts';
import { plainDialect } from '../dialect/plain.ts';
import { buildStep, type StepModel } from '../step.ts';
import { StepHost } from '../stepHost.ts';
import { stepSupports } from '../supports.ts';
import { OnnxBuffer } from './buffer.ts';
import { asDeviceError } from './errors.ts';
import { OnnxExecutable, type StepDevice } from './executable.ts';
import type { Provider, Runtime, Session, SessionOptions } from './provider.ts';

export class OnnxDevice implements Device, StepDevice {
  readonly name: string;
  readonly capabilities: DeviceCapabilities;
  readonly #provider: Provider;
  readonly #dialect: Dialect;
  readonly #open = new Set<OnnxExecutable>();
  #queue: Promise<unknown> = Promise.resolve();
  #live = 0;
  #peak = 0;

  constructor(provider: Provider) {
    this.name = provider.device;
    this.#provider = provider;
    this.#dialect = { ...plainDialect(), mergesPictures: provider.mergesPictures };
    this.capabilities = { dtypes, mixedPrecision: [], description: provider.description };
  }

  supports(node: Node, graph: Graph): true | string {
    return stepSupports(this.#dialect, node, graph);
  }

  async compile(graph: Graph, options: CompileOptions): Promise<Executable> {
    const buffers = stateBuffers(this.name, graph, options.state).map((buffer) => this.#own(buffer));
    const state = new Map(graph.state.map(({ name }, i) => [name, at(buffers, i)] as const));
    const profiler = options.profile === true ? this.#profiler() : null;
    const step = buildStep(graph, this.#dialect);
    const runtime = await this.#provider.load();
    const session = await this.enqueue(() => this.#load(runtime, step, profiler?.options ?? {}));
    const host = step.host === null ? null : await StepHost.create(step.host.graph, state);
    const readProfile = profiler === null ? null : () => profiler.read();
    const executable = new OnnxExecutable(this, graph, { runtime, session, step, state, host, readProfile });
    this.#open.add(executable);
    this.#account(executable.bytes);
    return executable;
  }

  allocate(type: TensorType): DeviceBuffer {
    const buffer = new OnnxBuffer(type, this.#dialect.element(type.dtype), this);
    this.#account(buffer.bytes);
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    const own = this.#own(buffer);
    this.#account(-own.bytes);
    own.release();
  }

  async upload(buffer: DeviceBuffer, data: HostArray): Promise<void> {
    const own = this.#own(buffer);
    checkUpload(this.name, own.type, data);
    await this.enqueue(async () => own.write(data));
  }

  async download(buffer: DeviceBuffer): Promise<HostArray> {
    const own = this.#own(buffer);
    return this.enqueue(() => own.read());
  }

  /** State and models. What ONNX Runtime holds for intermediates it does not tell. */
  memory(): MemoryUse {
    return { live: this.#live, peak: this.#peak };
  }

  async synchronize(): Promise<void> {
    await this.#queue;
  }

  dispose(): void {
    for (const executable of this.#open) executable.dispose();
  }

  enqueue<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(job);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  closed(executable: OnnxExecutable): void {
    this.#open.delete(executable);
    this.#account(-executable.bytes);
  }

  async #load(runtime: Runtime, step: StepModel, extra: SessionOptions): Promise<Session> {
    const { options, state } = this.#provider;
    const kept = step.state.flatMap(({ output }) => (output === null ? [] : [[output.name, state] as const]));
    const locations = state === 'cpu' ? {} : { preferredOutputLocation: Object.fromEntries(kept) };
    try {
      return await runtime.InferenceSession.create(step.bytes, { ...options, ...extra, ...locations });
    } catch (error) {
      throw asDeviceError(this.name, step.origin, error);
    }
  }

  #profiler() {
    const { profiler } = this.#provider;
    if (profiler === null)
      throw new DeviceError(
        `${this.name}: cannot profile here; ONNX Runtime writes its profiles in Node only`,
      );
    return profiler();
  }

  #account(bytes: number): void {
    this.#live += bytes;
    this.#peak = Math.max(this.#peak, this.#live);
  }

  #own(buffer: DeviceBuffer): OnnxBuffer {
    if (buffer instanceof OnnxBuffer && buffer.owner === this) return buffer;
    throw new DeviceError(`${this.name}: the buffer belongs to another device`);
  }
}
