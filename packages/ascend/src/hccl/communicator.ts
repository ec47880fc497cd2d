/**
 * HCCL behind core's `Communicator`: gradients are reduced in the memory of the devices, over the chips' own links.
 *
 * The root info of rank 0 goes to the others through the rendezvous, as PyTorch's process group does it; a rank table takes its place where
 * RANK_TABLE_FILE names one.
 */

import {
  type Communicator,
  checkParts,
  type Device,
  type DeviceBuffer,
  DeviceError,
  OmmaError,
  type ReduceOp,
  type Rendezvous,
  sizeOf,
} from '@omma/core';
import { findHccl } from './library.ts';
import type { Collective, CollectiveCommand, GroupCommand, GroupResults } from './protocol.ts';
import { readRankTable } from './rankTable.ts';

/** What HCCL needs of an Ascend device. */
export interface HcclPort {
  readonly device: Device;
  /** Of AscendCL: HCCL's lie beside them. */
  readonly libraries: readonly string[];
  /** Gives the device's thread a command. Rejects with DeviceError. */
  request<T extends GroupCommand['type']>(
    command: Extract<GroupCommand, { readonly type: T }>,
  ): Promise<GroupResults[T]>;
  collective(command: CollectiveCommand): Promise<unknown>;
  /** Gives the device up: what runs on it and hangs is not waited for any longer. */
  abandon(reason: string): void;
  /** The device thread's id of a buffer. */
  idOf(buffer: DeviceBuffer): number;
}

const rootInfoKey = 'hccl/rootInfo';
/** Seconds that a rank waits in a collective for the others, unless HCCL_EXEC_TIMEOUT says otherwise. HCCL's own default is half an hour. */
const defaultTimeout = 600;
/** How much longer the device's thread waits than HCCL, in milliseconds. */
const patience = 60_000;

/** Connects the device with those of the other ranks of `group`. OmmaError or DeviceError when that fails, within HCCL_CONNECT_TIMEOUT. */
export async function connectHccl(
  port: HcclPort,
  group: Rendezvous,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Communicator> {
  const libraries = findHccl(port.libraries);
  if (typeof libraries === 'string') throw new DeviceError(`${port.device.name}: ${libraries}`);
  const { rank, size } = group;
  const { RANK_TABLE_FILE: table = '' } = environment;
  // HCCL reads the environment of the process when a communicator is made.
  environment.HCCL_EXEC_TIMEOUT ??= environment.OMMA_COLLECTIVE_TIMEOUT ?? String(defaultTimeout);
  if (table === '') {
    if (rank === 0) await group.set(rootInfoKey, await port.request({ type: 'rootInfo', libraries }));
    const rootInfo = await group.get(rootInfoKey);
    await port.request({ type: 'joinGroup', libraries, size, rank, by: { rootInfo } });
  } else {
    const ranks = readRankTable(table).length;
    if (ranks !== size) throw new OmmaError(`${table}: has ${ranks} ranks but the run has ${size}`);
    await port.request({ type: 'joinGroup', libraries, size, rank, by: { rankTable: table } });
  }
  const seconds = Number(environment.HCCL_EXEC_TIMEOUT);
  return new HcclCommunicator(port, rank, size, seconds * 1000 + patience);
}

class HcclCommunicator implements Communicator {
  readonly name = 'hccl';
  readonly inGraph = false;
  readonly rank: number;
  readonly size: number;
  readonly #port: HcclPort;
  readonly #timeout: number;
  #left = false;

  constructor(port: HcclPort, rank: number, size: number, timeout: number) {
    this.#port = port;
    this.rank = rank;
    this.size = size;
    this.#timeout = timeout;
  }

  get device(): Device {
    return this.#port.device;
  }

  allReduce(buffer: DeviceBuffer, op: ReduceOp): Promise<void> {
    return this.#run({ name: 'allReduce', buffer: this.#port.idOf(buffer), ...part(buffer), op });
  }

  broadcast(buffer: DeviceBuffer, root: number): Promise<void> {
    return this.#run({ name: 'broadcast', buffer: this.#port.idOf(buffer), ...part(buffer), root });
  }

  async allGather(source: DeviceBuffer, target: DeviceBuffer): Promise<void> {
    checkParts('allGather', this.size, source, target);
    const { idOf } = this.#port;
    await this.#run({ name: 'allGather', source: idOf(source), target: idOf(target), ...part(source) });
  }

  async reduceScatter(source: DeviceBuffer, target: DeviceBuffer, op: ReduceOp): Promise<void> {
    checkParts('reduceScatter', this.size, target, source);
    const { idOf } = this.#port;
    await this.#run({
      name: 'reduceScatter',
      source: idOf(source),
      target: idOf(target),
      ...part(target),
      op,
    });
  }

  barrier(): Promise<void> {
    return this.#run({ name: 'barrier' });
  }

  failure(): Promise<string | null> {
    return this.#port.request({ type: 'groupError' });
  }

  async dispose(): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    await this.#port.request({ type: 'leaveGroup' });
  }

  async abort(): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    this.#port.abandon('another rank is gone');
  }

  async #run(collective: Collective): Promise<void> {
    await this.#port.collective({ type: 'collective', collective, timeout: this.#timeout });
  }
}

/** How much of what a buffer holds. */
function part(buffer: DeviceBuffer) {
  return { count: sizeOf(buffer.type.shape), dtype: buffer.type.dtype };
}
