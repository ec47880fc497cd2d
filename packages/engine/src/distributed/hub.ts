/**
 * The hub of a process group, in the process of rank 0: keeps what the members leave for each other, and carries out collectives on
 * host arrays when all have called them.
 *
 * It is also who notices trouble first: a connection that closes is a rank that died, and everyone is told at once; ranks that call
 * different collectives, or do not call within the time, are named.
 */

import { createServer, type Server, type Socket } from 'node:net';
import { OmmaError } from '@omma/core';
import { codeOf } from '@omma/storage';
import type { z } from 'zod';
import type { DistributedEnvironment } from './environment.ts';
import { type Frame, type FrameKind, maxBody, nothing, receiveFrames, sendFrame } from './frames.ts';
import { KeyStore } from './keyStore.ts';
import { type Call, callSchema, helloSchema, type Loss, parsed, type welcomeSchema } from './messages.ts';
import { carriedOut, disagreementOf } from './rounds.ts';

/** A group that forms again after it broke: those of `expected`, by their old ranks, that come within `window` milliseconds. */
export interface Gathering {
  readonly generation: number;
  readonly expected: readonly number[];
  readonly window: number;
}

interface Round {
  readonly calls: Map<number, { readonly id: number; readonly call: Call; readonly body: Uint8Array }>;
  readonly timer: NodeJS.Timeout;
}

/** How long a new rank 0 waits for the port of the one that was lost, in milliseconds: a killed process may close its connections before its port. */
const portTimeout = 3000;

/** Longest message of a member that has not said who it is. */
const helloLimit = 0;

export class Hub {
  readonly #server: Server;
  readonly #gathering: Gathering;
  /** Of the run as members know it when they say hello; from the welcome on it is that of the group. */
  #size: number;
  readonly #timeout: number;
  readonly #members = new Map<number, Socket>();
  readonly #sockets = new Set<Socket>();
  readonly #store: KeyStore;
  readonly #rounds = new Map<number, Round>();
  readonly #greetings = new Map<
    number,
    { readonly id: number; readonly socket: Socket; readonly address: string }
  >();
  #gathered = false;
  #trouble: string | null = null;
  /** True when all members have said that they are done: they may leave in any order. */
  #finished = false;

  private constructor(server: Server, size: number, timeout: number, gathering: Gathering) {
    this.#server = server;
    this.#gathering = gathering;
    this.#size = size;
    this.#timeout = timeout;
    this.#store = new KeyStore(timeout);
    server.on('connection', (socket) => this.#accept(socket));
    // A first group waits for everyone, and its members know how long.
    if (gathering.generation > 0) setTimeout(() => this.#welcome(), gathering.window).unref();
  }

  /** Listens where `environment` says. The group is of all its ranks, or of those that `gathering` is for. */
  static async listen(
    { address, port, size, collectiveTimeout }: DistributedEnvironment,
    gathering: Gathering = { generation: 0, expected: everyRank(size), window: 0 },
  ): Promise<Hub> {
    const deadline = Date.now() + (gathering.generation > 0 ? portTimeout : 0);
    for (;;) {
      try {
        const server = await listening(address, port);
        return new Hub(server, size, collectiveTimeout, gathering);
      } catch (error) {
        if (codeOf(error) !== 'EADDRINUSE' || Date.now() >= deadline) {
          const reason = codeOf(error) ?? (error instanceof Error ? error.message : String(error));
          throw new OmmaError(
            `distributed: rank 0 cannot listen on ${address}:${port} (${reason}); choose another MASTER_PORT, or MASTER_ADDR if that is not this machine`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Names the ranks that have not come so far. */
  get missing(): number[] {
    return this.#gathering.expected.filter((rank) => !this.#greetings.has(rank));
  }

  /** Hangs up. Members that have not left are told that rank 0 is gone. */
  close(): void {
    this.#fail('rank 0 has left the run');
    this.#store.clear();
    this.#server.close();
    for (const socket of this.#sockets) socket.end();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 5000);
    let greeted: number | null = null;
    receiveFrames(socket, {
      bodyLimit: () => (greeted === null ? helloLimit : maxBody),
      onNonsense: () => socket.destroy(),
      onFrame: (frame) => {
        const rank = this.#rankOf(socket);
        if (rank !== null) this.#handle(rank, frame);
        else if (greeted === null) greeted = this.#greet(socket, frame);
      },
    });
    // A reset connection is a closed one; `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      const member = this.#rankOf(socket);
      // Before the group is complete, a process that comes again has left an older connection behind.
      const waits = greeted !== null && !this.#gathered && this.#greetings.get(greeted)?.socket === socket;
      const gone = member ?? (waits && this.#gathering.generation === 0 ? greeted : null);
      if (waits && greeted !== null) this.#greetings.delete(greeted);
      if (gone === null) return;
      this.#fail(`rank ${gone} is gone: its process ended or its machine cannot be reached`, [gone]);
    });
  }

  /** The rank of a member of the group, when it is complete. */
  #rankOf(socket: Socket): number | null {
    for (const [rank, member] of this.#members) if (member === socket) return rank;
    return null;
  }

  #greet(socket: Socket, { kind, id, text }: Frame): number | null {
    const hello = kind === 'hello' ? parsed(helloSchema, text) : null;
    const { generation, expected } = this.#gathering;
    // To a process that comes again after a failure, a hub that does not know of it yet is no answer; one that has gone on is.
    if (hello !== null && hello.generation !== generation) {
      this.#refuse(
        socket,
        id,
        'failure',
        `the group of rank 0 has not broken, or has formed again ${generation} times`,
      );
      return null;
    }
    if (hello !== null && generation > 0 && (this.#gathered || !expected.includes(hello.rank))) {
      this.#refuse(socket, id, 'lost', `the others have gone on without rank ${hello.rank}`);
      return null;
    }
    const refusal =
      hello === null
        ? 'it is no process of this version of Omma'
        : hello.size !== this.#size
          ? `it says WORLD_SIZE ${hello.size} but rank 0 has ${this.#size}`
          : hello.rank >= this.#size || this.#greetings.has(hello.rank)
            ? `there is a rank ${hello.rank} of ${this.#size} already`
            : null;
    if (hello === null || refusal !== null) {
      this.#refuse(socket, id, 'failure', `rank 0 refuses the connection: ${refusal}`);
      return null;
    }
    this.#greetings.set(hello.rank, { id, socket, address: socket.remoteAddress ?? '' });
    if (this.#greetings.size === expected.length) this.#welcome();
    return hello.rank;
  }

  #refuse(socket: Socket, id: number, kind: FrameKind, reason: string): void {
    const text = kind === 'lost' ? JSON.stringify({ reason, lost: [] } satisfies Loss) : reason;
    sendFrame(socket, { kind, id, text, body: nothing });
    socket.end();
  }

  /** The group is complete: ranks are given in the order of the old ones, and everybody hears of it. */
  #welcome(): void {
    if (this.#gathered || this.#trouble !== null) return;
    this.#gathered = true;
    const present = [...this.#greetings].sort(([a], [b]) => a - b);
    this.#size = present.length;
    const members = present.map(([old]) => old);
    const addresses = present.map(([, { address }]) => address);
    for (const [rank, [, { socket }]] of present.entries()) this.#members.set(rank, socket);
    for (const [rank, [, { id }]] of present.entries()) {
      const welcome: z.infer<typeof welcomeSchema> = { rank, size: present.length, addresses, members };
      this.#answer(rank, id, Buffer.from(JSON.stringify(welcome)));
    }
  }

  #handle(rank: number, frame: Frame): void {
    const { kind, id, text, body } = frame;
    if (kind === 'bye') {
      this.#fail(`rank ${rank} has left the run`);
      return;
    }
    if (this.#trouble !== null) {
      this.#send(rank, 'failure', id, this.#trouble);
      return;
    }
    if (kind === 'set') this.#set(rank, id, text, body);
    else if (kind === 'get') this.#get(rank, id, text);
    else if (kind === 'collect') this.#collect(rank, id, text, body);
    else this.#send(rank, 'failure', id, `rank ${rank} sent a ${kind}, which members do not send`);
  }

  #set(rank: number, id: number, key: string, value: Uint8Array): void {
    const refusal = this.#store.set(key, value);
    if (refusal === null) this.#answer(rank, id, nothing);
    else this.#send(rank, 'failure', id, refusal);
  }

  #get(rank: number, id: number, key: string): void {
    const seconds = this.#timeout / 1000;
    this.#store.get(key, {
      answer: (value) => this.#answer(rank, id, value),
      late: () =>
        this.#send(rank, 'failure', id, `rank ${rank} waited ${seconds} s for ${key}, which nobody has set`),
    });
  }

  #collect(rank: number, id: number, text: string, body: Uint8Array): void {
    const call = parsed(callSchema, text);
    if (call === null) {
      this.#send(rank, 'failure', id, `rank ${rank} called an unknown collective: ${text}`);
      return;
    }
    const { sequence } = call;
    const round = this.#rounds.get(sequence) ?? this.#open(sequence, call);
    round.calls.set(rank, { id, call, body });
    if (round.calls.size < this.#size) return;
    clearTimeout(round.timer);
    this.#rounds.delete(sequence);
    const calls = Array.from({ length: this.#size }, (_, member) => {
      const own = round.calls.get(member);
      if (own === undefined) throw new Error(`hub: no call of rank ${member}`);
      return own;
    });
    const disagreement = disagreementOf(calls);
    if (disagreement !== null) {
      this.#fail(disagreement);
      return;
    }
    if (call.name === 'finish') this.#finished = true;
    const bodies = calls.map((own) => own.body);
    const results = carriedOut(call, bodies);
    if (typeof results === 'string') this.#fail(results);
    else for (const [member, { id }] of calls.entries()) this.#answer(member, id, results(member));
  }

  #open(sequence: number, { name }: Call): Round {
    const timer = setTimeout(() => {
      const missing = ranksWithout(this.#size, round.calls);
      this.#fail(
        `${name} (collective ${sequence}) waited ${this.#timeout / 1000} s for rank ${missing.join(', ')}; it hangs, or has fewer steps to do`,
        missing,
      );
    }, this.#timeout);
    const round: Round = { calls: new Map(), timer };
    this.#rounds.set(sequence, round);
    return round;
  }

  /** From here on every request fails with this reason; the first one stays. `lost`: ranks that died or hang. */
  #fail(reason: string, lost: readonly number[] = []): void {
    if (this.#trouble !== null || this.#finished) return;
    this.#trouble = reason;
    this.#store.clear();
    for (const { timer } of this.#rounds.values()) clearTimeout(timer);
    this.#rounds.clear();
    // All that members wait for fails with the news, so that nothing fails before they know which rank is lost.
    const news = JSON.stringify({ reason, lost: [...lost] } satisfies Loss);
    const members = this.#gathered
      ? this.#members
      : new Map([...this.#greetings].map(([rank, { socket }]) => [rank, socket]));
    for (const socket of members.values()) {
      if (socket.writable) sendFrame(socket, { kind: 'lost', id: 0, text: news, body: nothing });
    }
  }

  #answer(rank: number, id: number, body: Uint8Array): void {
    const socket = this.#members.get(rank);
    if (socket?.writable === true) sendFrame(socket, { kind: 'answer', id, text: '', body });
  }

  #send(rank: number, kind: FrameKind, id: number, text: string): void {
    const socket = this.#members.get(rank);
    if (socket?.writable === true) sendFrame(socket, { kind, id, text, body: nothing });
  }
}

/** A server that listens; rejects with the system's error. */
function listening(address: string, port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port }, () => resolve(server));
  });
}

function everyRank(size: number): number[] {
  return Array.from({ length: size }, (_, rank) => rank);
}

function ranksWithout(size: number, known: ReadonlyMap<number, unknown>): number[] {
  return everyRank(size).filter((rank) => !known.has(rank));
}
