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
import {
  buildStep,
  type Dialect,
  elementSize,
  elementView,
  fromElements,
  StepHost,
  type StepModel,
  type StepPort,
  stepSupports,
  toElements,
} from '@omma/onnx';
import type { Toolkit } from '../acl/toolkit.ts';
import { type AtcProgress, compileOffline } from '../atc/compiler.ts';
import { connectHccl } from '../hccl/communicator.ts';
import { hostBindings, OfflineModel } from '../om/offlineModel.ts';
import { cannDialect, defaultCann, findSoc, targetFor } from '../operators/index.ts';
import type {
  Binding,
  BoundModel,
  CommandOf,
  CommandType,
  CurrentDims,
  Gear,
  ModelDescription,
  PortDescription,
  Results,
} from '../worker/protocol.ts';
import { AscendBuffer } from './buffer.ts';
import { constantExecutable } from './constant.ts';
import { DeviceThread } from './deviceThread.ts';
import { AscendExecutable, type Posted, type RunDevice } from './executable.ts';
import { asDeviceError } from './messages.ts';
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
  readonly #dialect: Dialect;
  readonly #options: AscendDeviceOptions;
  readonly #open = new Set<AscendExecutable>();
  readonly #closed: (device: AscendDevice) => void;
  #queue: Promise<unknown> = Promise.resolve();
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
    const { soc, aclVersion, memory } = this.#thread.facts;
    this.soc = soc;
    this.precision = precisionOf(findSoc(soc));
    this.#dialect = cannDialect(targetFor(soc, toolkit.version ?? defaultCann, this.precision.mode));
    const gibibytes = (memory.total / 2 ** 30).toFixed(0);
    const compiler = toolkit.atc === null ? 'no atc' : `precision ${this.precision.mode}`;
    this.capabilities = {
      dtypes,
      mixedPrecision: this.precision.mixedPrecision,
      ...(this.precision.float32As === null ? {} : { float32As: this.precision.float32As }),
      float16Saturates: this.precision.float16Saturates,
      description: `${soc}, ${gibibytes} GB, CANN ${toolkit.version ?? 'of unknown version'} (AscendCL ${aclVersion}), ${compiler}, ${toolkit.libraries.join(', ')}`,
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
    const file = await compileOffline(this.toolkit, {
      name: this.name,
      model: step.bytes,
      origins: step.origin,
      options: { soc: this.soc, precision: this.precision.mode, inputFormat: 'ND', flags: [], files: {} },
      ...(this.#options.progress === undefined ? {} : { progress: this.#options.progress }),
    });
    const compiled = performance.now();
    const hostState = new Map(
      await Promise.all(
        (step.host?.graph.state ?? []).map(
          async ({ name }) => [name, await this.#onHost(state, name)] as const,
        ),
      ),
    );
    const host = step.host === null ? null : await StepHost.create(step.host.graph, hostState);
    const model = this.#nextModel++;
    const loading = performance.now();
    try {
      const { bound, bytes, inputAt, outputAt } = await this.#load(model, file, step, state);
      const executable = new AscendExecutable(this, graph, {
        model,
        step,
        host,
        bound,
        inputAt,
        outputAt,
        bytes,
        times: { atc: compiled - started, load: performance.now() - loading },
      });
      this.#open.add(executable);
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
    this.#send({ type: 'allocate', buffer: buffer.id, bytes: buffer.bytes });
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    const own = this.#own(buffer);
    this.#account(-own.bytes);
    if (own.host === null) this.#send({ type: 'free', buffer: own.id });
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
      return {
        ended: this.#request({ type: 'upload', buffer: own.id, data: bytes }, `uploading ${own.bytes} bytes`),
      };
    });
  }

  async download(buffer: DeviceBuffer): Promise<HostArray> {
    const own = this.#own(buffer);
    return this.enqueue(async () => {
      if (own.host !== null) return { ended: Promise.resolve(own.host.slice()) };
      return { ended: this.#read(own) };
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
        request: (command) => this.enqueue(async () => ({ ended: this.#request(command, command.type) })),
        collective: (command) =>
          this.enqueue(async () => ({ ended: this.#request(command, 'a collective operation') })),
        abandon: (reason) => this.#thread.abandon(reason),
        idOf: (buffer) => this.#own(buffer).id,
      },
      group,
    );
  }

  async synchronize(): Promise<void> {
    await this.enqueue(async () => ({
      ended: this.#request({ type: 'synchronize' }, 'waiting for the device'),
    }));
  }

  /** Bytes of device memory, free and in all. */
  async deviceMemory(): Promise<Results['memory']> {
    return this.enqueue(async () => ({ ended: this.#request({ type: 'memory' }, 'asking for its memory') }));
  }

  /** Gives everything on the device back; blocks for a bounded time. Whatever still waits for the device is rejected. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#thread.close();
    this.#closed(this);
  }

  enqueue<T>(post: () => Promise<Posted<T>>): Promise<T> {
    const posted = this.#queue.then(post);
    this.#queue = posted.catch(() => undefined);
    return posted.then(({ ended }) => ended);
  }

  run(model: number, variant: number): Promise<unknown> {
    return this.#request(
      { type: 'run', model, variant, gear: null },
      'a step failed, and the state on the device is as before it',
    );
  }

  runOffline(model: number, variant: number, gear: Gear | null): Promise<CurrentDims> {
    return this.#request({ type: 'run', model, variant, gear }, 'a run failed');
  }

  unload(model: number): void {
    this.#send({ type: 'unload', model });
  }

  /** Loads a compiled model from a `.om` file, with memory for its largest gear. Throws DeviceError when it does not fit this device. */
  async openOffline(file: string): Promise<OfflineModel> {
    const model = this.#nextModel++;
    try {
      const description = await this.#loadModel(model, file);
      const bound = await this.#bindModel(model, hostBindings(description));
      return new OfflineModel(this, model, description, bound);
    } catch (error) {
      this.unload(model);
      throw error;
    }
  }

  closed(executable: AscendExecutable): void {
    this.#open.delete(executable);
    this.#account(-executable.bytes);
    this.unload(executable.model);
  }

  async #load(model: number, file: string, step: StepModel, state: ReadonlyMap<string, AscendBuffer>) {
    try {
      const description = await this.#loadModel(model, file);
      const { inputAt, outputAt, ...ports } = bindings(step, description, state);
      const bound = await this.#bindModel(model, ports);
      return { bound, inputAt, outputAt, bytes: description.bytes + bound.bytes };
    } catch (error) {
      this.unload(model);
      throw error;
    }
  }

  #loadModel(model: number, file: string): Promise<ModelDescription> {
    return this.enqueue(async () => ({
      ended: this.#request({ type: 'load', model, file }, `loading the compiled model ${file}`),
    }));
  }

  #bindModel(
    model: number,
    ports: { inputs: readonly Binding[]; outputs: readonly Binding[] },
  ): Promise<BoundModel> {
    return this.enqueue(async () => ({
      ended: this.#request({ type: 'bind', model, ...ports }, 'taking memory for a compiled model'),
    }));
  }

  /** Moves the state called `name` to the host, and gives it as the host's part of a step sees it. */
  async #onHost(state: ReadonlyMap<string, AscendBuffer>, name: string) {
    const buffer = state.get(name);
    if (buffer === undefined) throw new Error(`ascend: no buffer is bound to state ${name}`);
    await this.enqueue(async () => {
      if (buffer.host === null) {
        buffer.host = await this.#read(buffer);
        void this.#request({ type: 'free', buffer: buffer.id }, 'freeing memory').catch(() => undefined);
      }
      return { ended: Promise.resolve(null) };
    });
    const kept = () => {
      if (buffer.host === null)
        throw new DeviceError(`${this.name}: state ${name} was freed while a step uses it`);
      return buffer.host;
    };
    return {
      read: async () => kept().slice(),
      write: (data: HostArray) => {
        kept();
        buffer.host = data;
      },
    };
  }

  async #read(buffer: AscendBuffer): Promise<HostArray> {
    const bytes = await this.#request(
      { type: 'download', buffer: buffer.id },
      `downloading ${buffer.bytes} bytes`,
    );
    const elements = elementView(buffer.element, bytes.buffer, bytes.byteOffset, sizeOf(buffer.type.shape));
    return fromElements(elements, buffer.element, buffer.type.dtype);
  }

  /** Puts a command in the queue that nobody waits for: what it fails with shows at whatever uses its result. */
  #send(command: CommandOf<'allocate' | 'free' | 'unload'>): void {
    if (this.#disposed) return;
    this.enqueue(async () => ({ ended: this.#thread.request(command) })).catch(() => undefined);
  }

  async #request<T extends CommandType>(command: CommandOf<T>, doing: string): Promise<Results[T]> {
    try {
      return await this.#thread.request<T>(command);
    } catch (error) {
      throw asDeviceError(this.name, doing, error);
    }
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

function takesInput({ inputs, host, state }: StepModel): boolean {
  return inputs.length > 0 || (host?.feeds.length ?? 0) > 0 || state.some(({ input }) => input !== null);
}

/** What stands behind the model's inputs and outputs. Inputs are found by name, outputs by their place, as the compiler keeps both. */
function bindings(
  step: StepModel,
  { inputs, outputs }: ModelDescription,
  state: ReadonlyMap<string, AscendBuffer>,
) {
  const known = new Map<string, { port: StepPort; buffer: AscendBuffer | null }>();
  const add = (port: StepPort, buffer: AscendBuffer | null) => known.set(port.name, { port, buffer });
  const bufferOf = (slot: string) => {
    const buffer = state.get(slot);
    if (buffer === undefined) throw new Error(`ascend: no buffer is bound to state ${slot}`);
    if (buffer.host !== null)
      throw new Error(`ascend: state ${slot} is on the host, where random numbers are drawn from it`);
    return buffer;
  };
  for (const port of [...step.inputs, ...(step.host?.feeds ?? [])]) add(port, null);
  for (const { slot, input } of step.state) if (input !== null) add(input, bufferOf(slot));
  const ordered: { port: StepPort; buffer: AscendBuffer | null }[] = [
    ...step.outputs.map((port) => ({ port, buffer: null })),
    ...step.state.flatMap(({ slot, output }) =>
      output === null ? [] : [{ port: output, buffer: bufferOf(slot) }],
    ),
  ];
  const boundInputs = inputs.map((description) => {
    const found = known.get(description.name);
    if (found === undefined)
      throw new Error(
        `ascend: the compiled model has an input ${description.name} that the step does not have`,
      );
    return bindingOf(description, found.port, found.buffer);
  });
  const boundOutputs = outputs.map((description, i) => {
    const found = ordered[i];
    if (found === undefined)
      throw new Error(
        `ascend: the compiled model has ${outputs.length} outputs but the step has ${ordered.length}`,
      );
    return bindingOf(description, found.port, found.buffer);
  });
  return {
    inputs: boundInputs,
    outputs: boundOutputs,
    inputAt: new Map(inputs.map(({ name }, i) => [name, i])),
    outputAt: new Map(ordered.map(({ port }, i) => [port.name, i])),
  };
}

function bindingOf({ name, element }: PortDescription, port: StepPort, buffer: AscendBuffer | null): Binding {
  if (element !== port.element)
    throw new Error(`ascend: the compiled model has ${name} in ${element} but the step in ${port.element}`);
  if (buffer !== null) return { kind: 'state', buffer: buffer.id };
  return { kind: 'host', bytes: sizeOf(port.type.shape) * elementSize(port.element) };
}
