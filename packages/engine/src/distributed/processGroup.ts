/**
 * A process group: the processes of one run, connected by TCP to a hub in rank 0. It is the store over which communicators are set up
 * (HCCL's root info), and itself the plainest of collective engines, on host arrays: what data parallel training uses on devices that
 * have no collective library of their own.
 *
 * Every wait ends: with an answer, with the news that a rank is gone, or with a timeout that says what was waited for.
 */

import { connect, type Socket } from 'node:net';
import {
  arrayFromBytes,
  bytesOf,
  type DType,
  type HostArray,
  type HostCollectives,
  OmmaError,
  type ReduceOp,
  type Rendezvous,
} from '@omma/core';
import { codeOf } from '@omma/storage';
import type { DistributedEnvironment } from './environment.ts';
import { type FrameKind, maxBody, nothing, receiveFrames, sendFrame } from './frames.ts';
import { type Gathering, Hub } from './hub.ts';
import { type Call, type Loss, lossSchema, welcomeSchema } from './messages.ts';

interface Request {
  /** True for the request whose answer ends the group. */
  readonly last: boolean;
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (error: OmmaError) => void;
  readonly timer: NodeJS.Timeout;
}

/** How much longer than the hub a member waits: the hub's own timeout says more. */
const patience = 15_000;
/** How a connection ends whose other side has not ended it. */
const unreachableCodes = ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'];
/** Between two attempts to reach rank 0, in milliseconds. */
const retryInterval = 50;

export class ProcessGroup implements Rendezvous, HostCollectives {
  readonly name = 'tcp';
  readonly localRank: number;
  /** How often the group has re-formed. */
  readonly generation: number;
  #rank: number;
  #size: number;
  #addresses: readonly string[] = [];
  #members: readonly number[] = [];
  readonly #socket: Socket;
  readonly #hub: Hub | null;
  readonly #timeout: number;
  readonly #requests = new Map<number, Request>();
  readonly #listeners = new Set<(loss: Loss) => void>();
  #nextRequest = 1;
  #sequence = 0;
  #trouble: string | null = null;
  #left = false;
  /** True when all ranks are done: from then on nobody's leaving is a failure. */
  #finished = false;

  private constructor(
    environment: DistributedEnvironment,
    socket: Socket,
    hub: Hub | null,
    generation: number,
  ) {
    this.#rank = environment.rank;
    this.#size = environment.size;
    this.generation = generation;
    this.localRank = environment.localRank;
    this.#socket = socket;
    this.#hub = hub;
    this.#timeout = environment.collectiveTimeout;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 5000);
    receiveFrames(socket, {
      bodyLimit: () => maxBody,
      onNonsense: () =>
        this.#fail({
          reason: `${environment.address}:${environment.port} is not rank 0 of an Omma run`,
          lost: [],
        }),
      onFrame: ({ kind, id, text, body }) => {
        if (kind === 'lost') this.#fail(lossOf(text));
        else this.#settle(kind, id, text, body);
      },
    });
    let unreachable: string | undefined;
    socket.on('error', (error) => {
      unreachable = unreachableCodes.find((code) => code === codeOf(error));
    });
    socket.on('close', () => {
      // Behind a cut cable rank 0 may go on: only a connection that its machine closed says that it has ended.
      if (unreachable === undefined) this.#fail({ reason: 'rank 0 is gone: its process ended', lost: [0] });
      else this.#fail({ reason: `rank 0 cannot be reached (${unreachable})`, lost: [] });
    });
  }

  /** Joins the run that `environment` describes; resolves when all ranks have. OmmaError when one does not come in time. */
  static async join(environment: DistributedEnvironment): Promise<ProcessGroup> {
    const hub = environment.rank === 0 ? await Hub.listen(environment) : null;
    try {
      return await ProcessGroup.#meet(environment, hub, 0);
    } catch (error) {
      hub?.close();
      throw error;
    }
  }

  /**
   * Joins the group that forms again after a failure, at `environment`'s address and with the ranks of the broken group; `leads` makes this process its
   * hub. OmmaError when it cannot be reached or has gone on without this process.
   */
  static async rejoin(
    environment: DistributedEnvironment,
    gathering: Gathering,
    leads: boolean,
  ): Promise<ProcessGroup> {
    const hub = leads ? await Hub.listen(environment, gathering) : null;
    try {
      return await ProcessGroup.#meet(environment, hub, gathering.generation);
    } catch (error) {
      hub?.close();
      throw error;
    }
  }

  static async #meet(
    environment: DistributedEnvironment,
    hub: Hub | null,
    generation: number,
  ): Promise<ProcessGroup> {
    const { rank, size, connectTimeout, address, port } = environment;
    const deadline = Date.now() + connectTimeout;
    const socket = await connected(address, port, deadline);
    const group = new ProcessGroup(environment, socket, hub, generation);
    const hello = JSON.stringify({ protocol: 2, rank, size, generation });
    try {
      const answer = await group.#request('hello', hello, nothing, Math.max(1, deadline - Date.now()), () => {
        const missing = hub?.missing.join(', ') ?? '';
        const who = missing === '' ? 'the other ranks' : `rank ${missing}`;
        return `rank ${rank} waited ${connectTimeout / 1000} s for ${who} to join; start ${size} processes with the same MASTER_ADDR and MASTER_PORT`;
      });
      const welcome = welcomeSchema.parse(JSON.parse(Buffer.from(answer).toString('utf8')));
      group.#rank = welcome.rank;
      group.#size = welcome.size;
      group.#addresses = welcome.addresses;
      group.#members = welcome.members;
      return group;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  get rank(): number {
    return this.#rank;
  }

  get size(): number {
    return this.#size;
  }

  /** The rank that each rank had before the group formed: its own, unless ranks were lost. */
  get members(): readonly number[] {
    return this.#members;
  }

  /** Where the others reach each rank's machine. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** The address by which this machine reaches rank 0, and is reached. */
  get localAddress(): string {
    return this.#socket.localAddress ?? '127.0.0.1';
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    await this.#ask('set', key, value);
  }

  get(key: string): Promise<Uint8Array> {
    return this.#ask('get', key, nothing);
  }

  async allReduce(data: HostArray, dtype: DType, op: ReduceOp): Promise<HostArray> {
    return arrayFromBytes(dtype, await this.#collect({ name: 'allReduce', dtype, op }, data));
  }

  async broadcast(data: HostArray, dtype: DType, root: number): Promise<HostArray> {
    return arrayFromBytes(dtype, await this.#collect({ name: 'broadcast', dtype, root }, data));
  }

  async allGather(data: HostArray, dtype: DType): Promise<HostArray> {
    return arrayFromBytes(dtype, await this.#collect({ name: 'allGather', dtype }, data));
  }

  async reduceScatter(data: HostArray, dtype: DType, op: ReduceOp): Promise<HostArray> {
    if (data.length % this.size !== 0) {
      throw new OmmaError(
        `reduceScatter: ${data.length} elements cannot be divided between ${this.size} ranks`,
      );
    }
    return arrayFromBytes(dtype, await this.#collect({ name: 'reduceScatter', dtype, op }, data));
  }

  async barrier(): Promise<void> {
    await this.#collect({ name: 'barrier' }, new Uint8Array(0));
  }

  /** The last collective: when all ranks have called it they may leave in any order. */
  async finish(): Promise<void> {
    await this.#collect({ name: 'finish' }, new Uint8Array(0));
  }

  async failure(): Promise<string | null> {
    return this.#trouble;
  }

  /** Calls `listener` once when the group breaks, from any cause but `dispose`. Returns how to stop listening. */
  onFailure(listener: (loss: Loss) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Leaves the group. Without `finish` before, the others fail. */
  async dispose(): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    this.#listeners.clear();
    if (this.#socket.writable) {
      sendFrame(this.#socket, { kind: 'bye', id: 0, text: '', body: nothing });
      this.#socket.end();
    }
    this.#fail({ reason: 'this process has left the run', lost: [] });
    this.#hub?.close();
  }

  async #collect(
    call: Pick<Call, 'name'> & Partial<Pick<Call, 'dtype' | 'op' | 'root'>>,
    data: HostArray,
  ): Promise<Uint8Array> {
    const full: Call = { dtype: 'uint8', op: 'sum', root: 0, ...call, sequence: this.#sequence++ };
    if (full.root >= this.size || full.root < 0) {
      throw new OmmaError(`${full.name}: root must be from 0 to ${this.size - 1} but is ${full.root}`);
    }
    return this.#ask('collect', JSON.stringify(full), bytesOf(data), full.name === 'finish');
  }

  #ask(kind: FrameKind, text: string, body: Uint8Array, last = false): Promise<Uint8Array> {
    return this.#request(
      kind,
      text,
      body,
      this.#timeout + patience,
      () =>
        `rank 0 did not answer for ${(this.#timeout + patience) / 1000} s; it hangs, or its machine cannot be reached`,
      last,
    );
  }

  #request(
    kind: FrameKind,
    text: string,
    body: Uint8Array,
    timeout: number,
    late: () => string,
    last = false,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#trouble !== null) {
        reject(this.#error(this.#trouble));
        return;
      }
      const id = this.#nextRequest++;
      const timer = setTimeout(() => {
        this.#requests.delete(id);
        reject(this.#error(late()));
      }, timeout);
      this.#requests.set(id, { resolve, reject, timer, last });
      sendFrame(this.#socket, { kind, id, text, body });
    });
  }

  #settle(kind: FrameKind, id: number, text: string, body: Uint8Array): void {
    const request = this.#requests.get(id);
    if (request === undefined) return;
    this.#requests.delete(id);
    clearTimeout(request.timer);
    if (kind === 'answer' && request.last) this.#finished = true;
    if (kind === 'answer') request.resolve(body);
    else request.reject(this.#error(text));
  }

  #fail(loss: Loss): void {
    const { reason } = loss;
    if (this.#trouble !== null || this.#finished) return;
    this.#trouble = reason;
    for (const { reject, timer } of this.#requests.values()) {
      clearTimeout(timer);
      reject(this.#error(reason));
    }
    this.#requests.clear();
    for (const listener of this.#listeners) listener(loss);
    this.#listeners.clear();
    this.#socket.end();
  }

  #error(reason: string): OmmaError {
    return new OmmaError(`distributed: ${reason}`);
  }
}

/** The news as the hub sent it; a text that is none is the reason itself. */
function lossOf(text: string): Loss {
  try {
    return lossSchema.parse(JSON.parse(text));
  } catch {
    return { reason: text, lost: [] };
  }
}

/** A connection to rank 0, which may not be there yet. */
async function connected(address: string, port: number, deadline: number): Promise<Socket> {
  for (;;) {
    const socket = connect({ host: address, port });
    const error = await new Promise<Error | null>((resolve) => {
      socket.once('connect', () => resolve(null));
      socket.once('error', resolve);
    });
    if (error === null) {
      socket.removeAllListeners('error');
      return socket;
    }
    socket.destroy();
    if (Date.now() + retryInterval > deadline) {
      throw new OmmaError(
        `distributed: cannot reach rank 0 at ${address}:${port} (${codeOf(error) ?? error.message}); check MASTER_ADDR and MASTER_PORT, and that rank 0 runs`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, retryInterval));
  }
}
