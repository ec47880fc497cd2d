/**
 * A device as its own thread sees it: context, streams, state memory, loaded models; carries out commands one after another.
 *
 * The thread is the only one that has the device's context, as AscendCL wants it, and may wait for the device, as the main thread may not.
 */

import { optionDeterministic, overflowInfNan, stopOnFailure, streamComplete } from '../acl/constants.ts';
import { AclError, errorName, repeatInitialize, success } from '../acl/errors.ts';
import { type Acl, check, created, type Pointer, readNumber, succeeds } from '../acl/library.ts';
import { GroupWorker } from '../hccl/groupWorker.ts';
import type { CollectiveCommand } from '../hccl/protocol.ts';
import { memoryInfo, StateMemory } from './memory.ts';
import { LoadedModel } from './model.ts';
import type { Command, CommandOf, CurrentDims, Results } from './protocol.ts';
import { building, Resources } from './resources.ts';

/** A run that the device has been given, or a collective. */
interface ActiveRun {
  /** Null for a collective. */
  readonly model: LoadedModel | null;
  readonly dims: CurrentDims;
  /** By `performance.now()`. */
  readonly started: number;
  /** Milliseconds that it may take. */
  readonly timeout: number;
}

/** Commands that have functions of their own: those that go on while others are received, and those that end it all. */
type LastingType = 'run' | 'collective' | 'abandon' | 'close';

export class DeviceWorker {
  readonly soc: string;
  /** False when AscendCL had been initialised before by someone else in this process. */
  readonly ownsLibrary: boolean;
  readonly acl: Acl;
  readonly #device: number;
  readonly #timeout: number;
  readonly #resources = new Resources();
  readonly #compute: Pointer;
  readonly #copy: Pointer;
  readonly #state = new Map<number, StateMemory | AclError>();
  readonly #models = new Map<number, LoadedModel>();
  readonly #group: GroupWorker;
  #active: ActiveRun | null = null;
  /** A run failed, and whoever gave it was told. Its stream stays stopped and says so again at every wait. */
  #failed = false;
  #lost: Error | null = null;

  /** Makes `device` current on this thread. `timeout` is how many milliseconds a run may take. */
  constructor(acl: Acl, device: number, timeout: number) {
    this.acl = acl;
    this.#device = device;
    this.#timeout = timeout;
    const initialised = acl.init(null);
    if (initialised !== repeatInitialize) check(acl, 'aclInit', initialised);
    this.ownsLibrary = initialised === success;
    const { soc, compute, copy } = building(this.#resources, () => this.#open());
    this.soc = soc;
    this.#compute = compute;
    this.#copy = copy;
    const address = (buffer: number) => this.state(buffer).current;
    this.#group = new GroupWorker({ acl, soc, stream: compute, address });
  }

  /** Carries out a command that is done when it returns. No run may be under way. */
  execute<T extends Exclude<Command['type'], LastingType>>(command: CommandOf<T>): Results[T];
  execute(command: Exclude<Command, { type: LastingType }>): Results[Command['type']] {
    // What is wrong with the group is most of all wanted after a failure; and nothing is left to wait for on a device that was given up, whose
    // failure has been told: a second error would hide the first.
    if (command.type !== 'groupError' && command.type !== 'synchronize') this.#requireDevice();
    switch (command.type) {
      case 'allocate':
        return this.#allocate(command);
      case 'free':
        return this.#free(command.buffer);
      case 'upload':
        this.state(command.buffer).upload(command.data);
        return null;
      case 'download':
        return this.state(command.buffer).download();
      case 'load': {
        const model = new LoadedModel(this.acl, { compute: this.#compute, copy: this.#copy }, command.file);
        this.#models.set(command.model, model);
        return model.description;
      }
      case 'bind':
        return this.#model(command.model).bind(command.inputs, command.outputs, (buffer) =>
          this.state(buffer),
        );
      case 'unload':
        this.#models.get(command.model)?.release();
        this.#models.delete(command.model);
        return null;
      case 'memory':
        return memoryInfo(this.acl);
      case 'synchronize':
        if (!this.#failed && this.#lost === null) this.#synchronize();
        return null;
      case 'rootInfo':
      case 'joinGroup':
      case 'groupError':
      case 'leaveGroup':
        return this.#group.execute(command);
    }
  }

  /** The state memory of a buffer. Throws what its allocation failed with. */
  state(buffer: number): StateMemory {
    const memory = this.#state.get(buffer);
    if (memory === undefined) throw new Error(`ascend: there is no buffer ${buffer}`);
    if (memory instanceof AclError) throw memory;
    return memory;
  }

  /** Starts copying the inputs of a run, perhaps while another run computes. */
  stage({ model, variant }: CommandOf<'run'>): void {
    this.#requireDevice();
    this.#model(model).stage(variant);
  }

  /** Starts a staged run. No other may be under way. */
  start({ model, variant, gear }: CommandOf<'run'>): void {
    this.#requireDevice();
    const loaded = this.#model(model);
    const dims = this.#enqueued(() => loaded.enqueue(variant, gear));
    this.#active = { model: loaded, dims, started: performance.now(), timeout: this.#timeout };
  }

  /** Starts a collective between the ranks of the group. No run may be under way. */
  startCollective({ collective, timeout }: CollectiveCommand): void {
    this.#requireDevice();
    this.#group.enqueue(collective);
    this.#active = { model: null, dims: null, started: performance.now(), timeout };
  }

  /** Gives the device up: what is under way is not waited for. */
  abandon(reason: string): void {
    this.#active = null;
    this.#lost ??= new Error(reason);
  }

  /**
   * The result of the run under way; null while it goes on. Throws when it failed, or has been under way for longer than it may: then the
   * device is given up.
   */
  finished(): { dims: CurrentDims; milliseconds: number } | null {
    const active = this.#active;
    if (active === null) throw new Error('ascend: no run is under way');
    const milliseconds = performance.now() - active.started;
    try {
      if (!this.#complete(milliseconds, active.timeout)) return null;
      this.#synchronize();
    } catch (error) {
      this.#active = null;
      this.#failed = true;
      throw error;
    }
    this.#active = null;
    active.model?.commit();
    return { dims: active.dims, milliseconds };
  }

  /** A kernel may fail while what belongs behind it is still being put into the stream. */
  #enqueued<T>(enqueue: () => T): T {
    try {
      return enqueue();
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  /** True when this process cannot use the device any more. */
  get isLost(): boolean {
    return this.#lost !== null;
  }

  /** Gives everything back, in the order that AscendCL wants: models, memory, events, streams, device. */
  close(): void {
    if (this.#lost !== null) {
      // A hung stream cannot be waited for, nor what it uses be freed: the device is reset with all that it holds.
      const reset = this.acl.resetDeviceForce ?? this.acl.resetDevice;
      check(this.acl, 'aclrtResetDeviceForce', reset(this.#device));
      return;
    }
    const all = new Resources();
    all.add(() => this.#resources.release());
    for (const memory of this.#state.values())
      if (memory instanceof StateMemory) all.add(() => memory.release());
    for (const model of this.#models.values()) all.add(() => model.release());
    all.add(() => this.#group.leave());
    if (!this.#failed) all.add(() => this.#synchronize());
    all.release();
  }

  #open() {
    const { acl } = this;
    check(acl, 'aclrtSetDevice', acl.setDevice(this.#device));
    this.#resources.add(() => check(acl, 'aclrtResetDevice', acl.resetDevice(this.#device)));
    const soc = acl.getSocName();
    if (soc === null || soc === '')
      throw new AclError('aclrtGetSocName', 500000, acl.getRecentErrMsg() ?? '');
    // What a release or a chip cannot do of these two it does not need: both only make results more exact.
    if (acl.setSysParamOpt !== null) succeeds(acl, acl.setSysParamOpt(optionDeterministic, 1));
    if (acl.setDeviceSatMode !== null) succeeds(acl, acl.setDeviceSatMode(overflowInfNan));
    const stream = () => {
      const created_ = created(acl, 'aclrtCreateStream', (out) => acl.createStream(out));
      this.#resources.add(() => check(acl, 'aclrtDestroyStream', acl.destroyStream(created_)));
      if (acl.setStreamFailureMode !== null) succeeds(acl, acl.setStreamFailureMode(created_, stopOnFailure));
      return created_;
    };
    return { soc, compute: stream(), copy: stream() };
  }

  #allocate({ buffer, bytes }: CommandOf<'allocate'>): null {
    try {
      this.#state.set(buffer, new StateMemory(this.acl, bytes));
    } catch (error) {
      // Nobody waits for an allocation; whoever uses the buffer is told.
      if (!(error instanceof AclError)) throw error;
      this.#state.set(buffer, error);
    }
    return null;
  }

  #free(buffer: number): null {
    const memory = this.#state.get(buffer);
    this.#state.delete(buffer);
    if (memory instanceof StateMemory) memory.release();
    return null;
  }

  #model(id: number): LoadedModel {
    const model = this.#models.get(id);
    if (model === undefined) throw new Error(`ascend: there is no model ${id}`);
    return model;
  }

  /** Whether the stream is empty. Releases without the query are waited for at once. */
  #complete(milliseconds: number, timeout: number): boolean {
    const { streamQuery } = this.acl;
    if (streamQuery === null) return true;
    const status: [number] = [0];
    check(this.acl, 'aclrtStreamQuery', streamQuery(this.#compute, status));
    return status[0] === streamComplete || milliseconds > timeout;
  }

  /** Waits for the stream, for a bounded time where the release can, and throws what went wrong in it. */
  #synchronize(): void {
    const { synchronizeStreamWithTimeout: bounded, synchronizeStream } = this.acl;
    const active = this.#active;
    const limit = active?.timeout ?? this.#timeout;
    // What is complete, or hangs, is not waited for a second time.
    const patience = this.acl.streamQuery === null || active === null ? limit : 1000;
    const code = bounded === null ? synchronizeStream(this.#compute) : bounded(this.#compute, patience);
    try {
      check(
        this.acl,
        bounded === null ? 'aclrtSynchronizeStream' : 'aclrtSynchronizeStreamWithTimeout',
        code,
      );
    } catch (error) {
      if (!(error instanceof AclError && error.isTimeout)) throw error;
      this.#lost = overdue(error, active !== null && active.model === null ? 'collective' : 'step', limit);
      throw this.#lost;
    }
  }

  #requireDevice(): void {
    if (this.#lost === null) return;
    throw new Error(`the device was given up after: ${this.#lost.message}`);
  }
}

/** What took longer than its limit, in milliseconds. CANN's own words would name the time of its last call alone. */
function overdue({ code }: AclError, what: 'step' | 'collective', limit: number): Error {
  const seconds = `${limit / 1000} s`;
  const said = `${errorName(code)}; look at the device with npu-smi info`;
  return new Error(
    what === 'step'
      ? `it did not end within ${seconds}, the limit that OMMA_ASCEND_TIMEOUT sets (in seconds): ${said}`
      : `the collective did not end within ${seconds}, a minute more than HCCL_EXEC_TIMEOUT, which is OMMA_COLLECTIVE_TIMEOUT unless it is set (in seconds): ${said} and at the other ranks`,
  );
}

/** How many devices the library counts; asked without a context. */
export function deviceCount(acl: Acl): number {
  return readNumber(acl, 'aclrtGetDeviceCount', (out) => acl.getDeviceCount(out));
}
