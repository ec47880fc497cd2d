/**
 * The main thread's end of a device's thread: sends commands, keeps what waits for an answer, starts and ends the thread.
 *
 * Starting blocks the event loop until the device is open, because `Device.capabilities` must be there at once; so does the end of the
 * process, where nothing else can be waited for. Everything in between is asynchronous.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { DeviceError } from '@omma/core';
import type {
  Command,
  CommandOf,
  CommandType,
  Failed,
  Opened,
  Reply,
  Results,
  WorkerSettings,
} from '../worker/protocol.ts';

/** Where the build puts the thread's program: the same place seen from src and from dist. */
const program = fileURLToPath(new URL('../../dist/worker/main.js', import.meta.url));
const openMilliseconds = 120_000;
const closeMilliseconds = 20_000;

/** What an open device tells about itself. */
export type DeviceFacts = Exclude<Opened, { failed: Failed }>;

interface Waiting {
  resolve(value: Results[CommandType]): void;
  reject(error: Error): void;
}

/** A failure of the device's thread, before it is put in words for a user. */
export class CommandError extends Error {
  readonly failed: Failed;

  constructor(failed: Failed) {
    super(failed.message);
    this.failed = failed;
  }
}

export class DeviceThread {
  readonly facts: DeviceFacts;
  readonly #name: string;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #closed = new Int32Array(new SharedArrayBuffer(4));
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #ended: DeviceError | null = null;

  /** Starts the thread and waits until it has opened the device. Throws DeviceError with the reason when it cannot. */
  constructor(name: string, settings: Pick<WorkerSettings, 'libraries' | 'device' | 'timeout'>) {
    this.#name = name;
    if (!existsSync(program)) {
      throw new DeviceError(`${name}: ${program} is not built; run \`npm run build\` in the repository`);
    }
    const { port1, port2 } = new MessageChannel();
    const ready = new Int32Array(new SharedArrayBuffer(4));
    const workerData: WorkerSettings = { ...settings, port: port2, ready, closed: this.#closed };
    this.#port = port1;
    this.#worker = new Worker(program, { workerData, transferList: [port2], execArgv: [] });
    this.#worker.unref();
    if (Atomics.wait(ready, 0, 0, openMilliseconds) === 'timed-out') {
      void this.#worker.terminate();
      throw new DeviceError(
        `${name}: the device did not open within ${openMilliseconds / 1000} s; look at it with npu-smi info and at CANN's log (~/ascend/log)`,
      );
    }
    const opened: Opened | undefined = receiveMessageOnPort(port1)?.message;
    if (opened === undefined || 'failed' in opened) {
      void this.#worker.terminate();
      throw new DeviceError(
        `${name}: ${opened?.failed.message ?? 'its thread ended before the device was open'}`,
      );
    }
    this.facts = opened;
    port1.on('message', (reply: Reply) => this.#receive(reply));
    port1.unref();
    this.#worker.on('error', (error) => this.#end(`its thread failed: ${error.message}`));
    this.#worker.on('exit', () => this.#end('its thread has ended'));
  }

  /** Sends a command and resolves with its result. Rejects with CommandError, or DeviceError when the thread has ended. */
  request<T extends CommandType>(command: CommandOf<T>): Promise<Results[T]>;
  request(command: Command): Promise<Results[CommandType]> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      // The process lives as long as somebody waits for the device.
      if (this.#waiting.size === 0) this.#port.ref();
      this.#waiting.set(id, { resolve, reject });
      this.#port.postMessage({ id, command });
    });
  }

  /** Gives the device up: what runs on it, and hangs, fails with `reason` at once. */
  abandon(reason: string): void {
    this.request({ type: 'abandon', reason }).catch(() => undefined);
  }

  /** Ends the thread after all that it was given; blocks, for a bounded time. What still waits is rejected. */
  close(): void {
    if (this.#ended !== null) return;
    this.#port.postMessage({ id: 0, command: { type: 'close' } });
    const outcome = Atomics.wait(this.#closed, 0, 0, closeMilliseconds);
    for (
      let next = receiveMessageOnPort(this.#port);
      next !== undefined;
      next = receiveMessageOnPort(this.#port)
    ) {
      this.#receive(next.message);
    }
    this.#end(outcome === 'timed-out' ? 'it did not close in time' : 'it was closed');
    void this.#worker.terminate();
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#port.unref();
    if ('failed' in reply) waiting.reject(new CommandError(reply.failed));
    else waiting.resolve(reply.value);
  }

  #end(reason: string): void {
    if (this.#ended !== null) return;
    this.#ended = new DeviceError(`${this.#name}: ${reason}; open the device again in a new process`);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
    this.#port.close();
  }
}
