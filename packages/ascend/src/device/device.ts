/**
 * The Ascend device: lowers a graph to the ONNX that `atc` takes for its chip, compiles it, and runs it through AscendCL.
 *
 * Weights stay on the chip; what travels a step are a batch there and the outputs back. Everything that touches the chip happens on a thread of the
 * device's own (`worker/`); here commands are put in order, and memory is counted.
 */

import {
  at,
  type Communicator,
  type CompileOptions,
  checkUpload,
  type Device,
  type DeviceBuffer,
  type DeviceCapabilities,
  DeviceError,
  dtypes,
  type Executable,
  type Graph,
  graphValue,
  type HostArray,
  type MemoryUse,
  type Node,
  type Rendezvous,
  sizeOf,
  stateBuffers,
  type TensorType,
} from '@omma/core';
import { buildStep, type Dialect, StepHost, type StepModel, stepSupports, toElements } from '@omma/onnx';
import type { Toolkit } from '../acl/toolkit.ts';
import { type AtcProgress, compileOffline } from '../atc/compiler.ts';
import { connectHccl } from '../hccl/communicator.ts';
import { hostBindings, OfflineModel } from '../om/offlineModel.ts';
import { cannDialect, defaultCann, findSoc, targetFor } from '../operators/index.ts';
import type { Binding, CurrentDims, Gear, ModelDescription, Results } from '../worker/protocol.ts';
import { stepBindings, takesInput } from './bindings.ts';
import { AscendBuffer } from './buffer.ts';
import { CommandQueue, type Posted } from './commandQueue.ts';
import { constantExecutable } from './constant.ts';
import { DeviceThread } from './deviceThread.ts';
import { AscendExecutable, type RunDevice } from './executable.ts';
import { moveToHost, readNow } from './hostState.ts';
import { type ChipPrecision, precisionOf } from './precision.ts';

export interface AscendDeviceOptions {
  /** Seconds after which a step that has not ended counts as hung. */
  readonly timeout: number;
  /** Told while atc compiles. */
  readonly progress?: AtcProgress;
}

export class AscendDevice implements Device, RunDevice {
  readonly name: string;
  readonly capabilities: DeviceCapabilities;
  /** What `aclrtGetSocName` says. */
  readonly soc: string;
  readonly precision: ChipPrecision;
  readonly toolkit: Toolkit;
  readonly #thread: DeviceThread;
  readonly #queue: CommandQueue;
  readonly #dialect: Dialect;
  readonly #options: AscendDeviceOptions;
  readonly #executables = new Set<AscendExecutable>();
  readonly #closed: (device: AscendDevice) => void;
  #nextBuffer = 1;
  #nextModel = 1;
  #live = 0;
  #peak = 0;
  #disposed = false;

  /** Opens device `index`. `closed` is told once when it is disposed. Throws DeviceError when it cannot be opened. */
  constructor(
    index: number,
    toolkit: Toolkit,
    options: AscendDeviceOptions,
    closed: (device: AscendDevice) => void,
  ) {
    this.name = `ascend:${index}`;
    this.toolkit = toolkit;
    this.#options = options;
    this.#closed = closed;
    this.#thread = new DeviceThread(this.name, {
      libraries: toolkit.libraries,
      device: index,
      timeout: options.timeout * 1000,
    });
    this.#queue = new CommandQueue(this.name, this.#thread);
    const { soc, aclVersion, cannVersion, memory } = this.#thread.facts;
    const cann = toolkit.version ?? cannVersion;
    this.soc = soc;
    this.precision = precisionOf(findSoc(soc));
    this.#dialect = cannDialect(targetFor(soc, cann ?? defaultCann, this.precision.mode));
    const gibibytes = (memory.total / 2 ** 30).toFixed(0);
    const compiler = toolkit.atc === null ? 'no atc' : `precision ${this.precision.mode}`;
    this.capabilities = {
      dtypes,
      mixedPrecision: this.precision.mixedPrecision,
      ...(this.precision.float32As === null ? {} : { float32As: this.precision.float32As }),
      float16Saturates: this.precision.float16Saturates,
      description: `${soc}, ${gibibytes} GB, CANN ${cann ?? 'of unknown version'} (AscendCL ${aclVersion}), ${compiler}, ${toolkit.libraries.join(', ')}`,
    };
  }

  /** False when someone else in this process had initialised AscendCL, who will end it. */
  get ownsLibrary(): boolean {
    return this.#thread.facts.owner;
  }

  supports(node: Node, graph: Graph): true | string {
    const empty = [...node.inputs, ...node.outputs].find((id) => sizeOf(graphValue(graph, id).shape) === 0);
    if (empty !== undefined) return 'its compiler knows no tensors without elements';
    return stepSupports(this.#dialect, node, graph);
  }

  async compile(graph: Graph, options: CompileOptions): Promise<Executable> {
    const buffers = stateBuffers(this.name, graph, options.state).map((buffer) => this.#own(buffer));
    const state = new Map(graph.state.map(({ name }, i) => [name, at(buffers, i)] as const));
    const step = buildStep(graph, this.#dialect);
    if (!takesInput(step)) return constantExecutable(graph, this, state);
    const started = performance.now();
    const file = await this.#compiled(step);
    const compiled = performance.now();
    const host = await this.#hostPart(step, state);
    const loading = performance.now();
    try {
      const loaded = await this.#open(file, (description) => stepBindings(step, description, state));
      const { model, description, bound, ports } = loaded;
      const bytes = description.bytes + bound.bytes;
      const times = { atc: compiled - started, load: performance.now() - loading };
      const { inputAt, outputAt } = ports;
      const parts = { model, step, host, bound, inputAt, outputAt, bytes, times };
      const executable = new AscendExecutable(this, graph, parts);
      this.#executables.add(executable);
      this.#account(bytes);
      return executable;
    } catch (error) {
      host?.dispose();
      throw error;
    }
  }

  /** Its numbers are undefined until an upload. Failures show when it is used. */
  allocate(type: TensorType): DeviceBuffer {
    const buffer = new AscendBuffer(type, this.#dialect.element(type.dtype), this.#nextBuffer++, this);
    this.#account(buffer.bytes);
    this.#queue.send({ type: 'allocate', buffer: buffer.id, bytes: buffer.bytes });
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    const own = this.#own(buffer);
    this.#account(-own.bytes);
    if (own.host === null) this.#queue.send({ type: 'free', buffer: own.id });
    own.host = null;
  }

  /** `data` is read when its turn comes: leave it unchanged until the promise is settled. */
  async upload(buffer: DeviceBuffer, data: HostArray): Promise<void> {
    const own = this.#own(buffer);
    checkUpload(this.name, own.type, data);
    await this.enqueue(async () => {
      if (own.host !== null) {
        own.host = data.slice();
        return { ended: Promise.resolve(null) };
      }
      const elements = toElements({ ...own.type, data }, own.element);
      const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
      const doing = `uploading ${own.bytes} bytes`;
      return { ended: this.#queue.askNow({ type: 'upload', buffer: own.id, data: bytes }, doing) };
    });
  }

  async download(buffer: DeviceBuffer): Promise<HostArray> {
    const own = this.#own(buffer);
    return this.enqueue(async () => {
      if (own.host !== null) return { ended: Promise.resolve(own.host.slice()) };
      return { ended: readNow(this.#queue, own) };
    });
  }

  /** What it was asked to hold; the compiler's own intermediates are in it where the library tells. */
  memory(): MemoryUse {
    return { live: this.#live, peak: this.#peak };
  }

  /** A communicator of HCCL. */
  connect(group: Rendezvous): Promise<Communicator> {
    return connectHccl(
      {
        device: this,
        libraries: this.toolkit.libraries,
        request: (command) => this.#queue.ask(command, command.type),
        collective: (command) => this.#queue.ask(command, 'a collective operation'),
        abandon: (reason) => this.#thread.abandon(reason),
        idOf: (buffer) => this.#own(buffer).id,
      },
      group,
    );
  }

  async synchronize(): Promise<void> {
    await this.#queue.ask({ type: 'synchronize' }, 'waiting for the device');
  }

  /** Bytes of device memory, free and in all. */
  async deviceMemory(): Promise<Results['memory']> {
    return this.#queue.ask({ type: 'memory' }, 'asking for its memory');
  }

  /** Gives everything on the device back; blocks for a bounded time. Whatever still waits for the device is rejected. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#queue.close();
    this.#closed(this);
  }

  enqueue<T>(post: () => Promise<Posted<T>>): Promise<T> {
    return this.#queue.enqueue(post);
  }

  run(model: number, variant: number): Promise<unknown> {
    return this.#queue.askNow(
      { type: 'run', model, variant, gear: null },
      'a step failed, and the state on the device is as before it',
    );
  }

  runOffline(model: number, variant: number, gear: Gear | null): Promise<CurrentDims> {
    return this.#queue.askNow({ type: 'run', model, variant, gear }, 'a run failed');
  }

  unload(model: number): void {
    this.#queue.send({ type: 'unload', model });
  }

  /** Loads a compiled model from a `.om` file, with memory for its largest gear. Throws DeviceError when it does not fit this device. */
  async openOffline(file: string): Promise<OfflineModel> {
    const { model, description, bound } = await this.#open(file, hostBindings);
    return new OfflineModel(this, model, description, bound);
  }

  closed(executable: AscendExecutable): void {
    this.#executables.delete(executable);
    this.#account(-executable.bytes);
    this.unload(executable.model);
  }

  /** Loads a compiled model and takes memory for its ports. It is unloaded again when that fails. */
  async #open<Ports extends { readonly inputs: readonly Binding[]; readonly outputs: readonly Binding[] }>(
    file: string,
    portsOf: (description: ModelDescription) => Ports,
  ) {
    const model = this.#nextModel++;
    try {
      const description = await this.#queue.ask(
        { type: 'load', model, file },
        `loading the compiled model ${file}`,
      );
      const ports = portsOf(description);
      const bound = await this.#queue.ask(
        { type: 'bind', model, inputs: ports.inputs, outputs: ports.outputs },
        'taking memory for a compiled model',
      );
      return { model, description, ports, bound };
    } catch (error) {
      this.unload(model);
      throw error;
    }
  }

  /** The file that `atc` makes of a step. */
  #compiled(step: StepModel): Promise<string> {
    return compileOffline(this.toolkit, {
      name: this.name,
      model: step.bytes,
      origins: step.origin,
      options: { soc: this.soc, precision: this.precision.mode, inputFormat: 'ND', flags: [], files: {} },
      ...(this.#options.progress === undefined ? {} : { progress: this.#options.progress }),
    });
  }

  /** What the host does of a step, with its state there; null where it does nothing. */
  async #hostPart({ host }: StepModel, state: ReadonlyMap<string, AscendBuffer>): Promise<StepHost | null> {
    if (host === null) return null;
    const slots = host.graph.state.map(async ({ name }) => {
      const buffer = state.get(name);
      if (buffer === undefined) throw new Error(`ascend: no buffer is bound to state ${name}`);
      return [name, await moveToHost(this.#queue, this.name, name, buffer)] as const;
    });
    return StepHost.create(host.graph, new Map(await Promise.all(slots)));
  }

  #account(bytes: number): void {
    this.#live += bytes;
    this.#peak = Math.max(this.#peak, this.#live);
  }

  #own(buffer: DeviceBuffer): AscendBuffer {
    if (buffer instanceof AscendBuffer && buffer.owner === this) return buffer;
    throw new DeviceError(`${this.name}: the buffer belongs to another device`);
  }
}
