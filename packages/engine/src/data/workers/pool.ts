/**
 * Worker threads that load batches. Each has one batch in work; what is asked for beyond that waits here, in order.
 *
 * All loaders with the same number of workers share one pool, so that training and validation, which take turns, take turns on the
 * same threads too. A pool ends with its last loader. Its threads keep the process alive only while they work.
 */

import { Worker } from 'node:worker_threads';
import { OmmaError, StoreError } from '@omma/core';
import type { BatchRequest } from '../batch.ts';
import type { Batch } from '../types.ts';
import type { BatchSource, FromThread, ToThread } from './messages.ts';

/** Threads run JavaScript, so it is the built file even when this one is read as source. */
const entry = new URL('../../../dist/data/workers/thread.js', import.meta.url);

/** Milliseconds for a thread to end by itself: it may be in the middle of a batch. */
const patience = 2000;

interface Task {
  readonly dataset: number;
  readonly request: BatchRequest;
  /** What the first sample of the batch is called, for messages. */
  readonly name: string;
  readonly group: object;
  resolve(batch: Batch): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  readonly opened: Set<number>;
  readonly exited: Promise<void>;
  task: Task | null;
}

const pools = new Map<number, WorkerPool>();

export class WorkerPool {
  readonly size: number;
  readonly #sources = new Map<number, BatchSource>();
  readonly #threads: Thread[] = [];
  readonly #waiting: Task[] = [];
  #nextDataset = 0;
  #users = 0;

  private constructor(size: number) {
    this.size = size;
  }

  /** The pool of this many threads. Everybody who gets one has to `release` it. */
  static acquire(size: number): WorkerPool {
    const pool = pools.get(size) ?? new WorkerPool(size);
    pools.set(size, pool);
    pool.#users++;
    return pool;
  }

  /** Gives the pool back; with its last user its threads end. */
  async release(): Promise<void> {
    if (--this.#users > 0) return;
    if (pools.get(this.size) === this) pools.delete(this.size);
    this.#abandon(new Error('the data loader was disposed of'));
    await Promise.all(this.#threads.splice(0).map(end));
  }

  /** Makes a data set known; the answer is what `load` and `close` call it. Threads open it when they first need it. */
  open(source: BatchSource): number {
    this.#sources.set(this.#nextDataset, source);
    return this.#nextDataset++;
  }

  /** Forgets a data set, and what was asked of it and has not begun. */
  close(dataset: number): void {
    this.#sources.delete(dataset);
    this.#drop((task) => task.dataset === dataset);
    for (const thread of this.#threads) {
      if (thread.opened.delete(dataset)) say(thread, { type: 'close', dataset });
    }
  }

  /** Loads a batch. `name` is its first sample's, `group` what `cancel` takes. */
  load(dataset: number, request: BatchRequest, name: string, group: object): Promise<Batch> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ dataset, request, name, group, resolve, reject });
      this.#dispatch();
    });
  }

  /** Drops the batches of a group that have not begun. */
  cancel(group: object): void {
    this.#drop((task) => task.group === group);
  }

  #drop(which: (task: Task) => boolean): void {
    const tasks = this.#waiting.splice(0);
    this.#waiting.push(...tasks.filter((task) => !which(task)));
    for (const task of tasks.filter(which)) task.reject(new Error('the batch is no longer wanted'));
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#threads.find(({ task }) => task === null) ?? this.#grown();
      if (thread === null) return;
      const task = this.#waiting.shift();
      if (task === undefined) return;
      this.#begin(thread, task);
    }
  }

  #begin(thread: Thread, task: Task): void {
    const { dataset, request } = task;
    const source = this.#sources.get(dataset);
    if (source === undefined) {
      task.reject(new Error('the data set is closed'));
      return;
    }
    if (!thread.opened.has(dataset)) {
      thread.opened.add(dataset);
      say(thread, { type: 'open', dataset, source });
    }
    thread.task = task;
    thread.worker.ref();
    say(thread, { type: 'load', dataset, request }, request.memory);
  }

  /** A new thread, unless there are enough. */
  #grown(): Thread | null {
    if (this.#threads.length >= this.size) return null;
    // Flags of this process (a condition under which packages resolve to their sources) are none of a thread's, which runs what is built.
    const worker = new Worker(entry, { name: `omma-data-${this.#threads.length}`, execArgv: [] });
    worker.unref();
    let gone: () => void = () => undefined;
    const exited = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const thread: Thread = { worker, opened: new Set(), exited, task: null };
    worker.on('message', (message: FromThread) => this.#answered(thread, message));
    worker.on('error', (error) => this.#died(thread, String(error)));
    worker.on('exit', (code) => {
      this.#died(thread, `it ended with code ${code}`);
      gone();
    });
    this.#threads.push(thread);
    return thread;
  }

  #answered(thread: Thread, message: FromThread): void {
    const { task } = thread;
    thread.task = null;
    thread.worker.unref();
    if (message.type === 'batch') task?.resolve(message.batch);
    else task?.reject(errorOf(message));
    this.#dispatch();
  }

  /** A thread that is gone takes its batch with it, and the run: what ended it would end the next one too. */
  #died(thread: Thread, reason: string): void {
    const { task } = thread;
    thread.task = null;
    const at = this.#threads.indexOf(thread);
    if (at < 0) return;
    this.#threads.splice(at, 1);
    const error = new OmmaError(
      `data loader: a worker thread died (${reason})${task === null ? '' : ` with the batch that begins with ${task.name}`}; numWorkers 0 loads on the main thread`,
    );
    task?.reject(error);
    this.#abandon(error);
  }

  #abandon(error: Error): void {
    for (const task of this.#waiting.splice(0)) task.reject(error);
    // A thread stays busy until it answers: what is asked of it next must not get that answer.
    for (const thread of this.#threads) thread.task?.reject(error);
  }
}

function say({ worker }: Thread, message: ToThread, handedOver: readonly ArrayBuffer[] = []): void {
  worker.postMessage(message, handedOver);
}

/** What a thread threw, with the thread's own stack unless it is a user's mistake. */
function errorOf({ message, error: kind, stack }: Extract<FromThread, { type: 'failed' }>): Error {
  if (kind === 'store') return new StoreError(message);
  if (kind === 'omma') return new OmmaError(message);
  const error = new Error(message);
  error.stack = `Error: ${message}\n    in a worker thread: ${stack}`;
  return error;
}

async function end(thread: Thread): Promise<void> {
  thread.worker.ref();
  say(thread, { type: 'stop' });
  const timer = setTimeout(() => void thread.worker.terminate(), patience);
  await thread.exited;
  clearTimeout(timer);
}
