/**
 * The device's thread: takes commands from the main thread, gives them to the DeviceWorker in order, answers.
 *
 * Why a thread: AscendCL binds its context to the thread that set it, while asynchronous FFI calls run on whichever thread of a pool is free;
 * and a thread of our own may sleep until the device is done. A run is started and looked after from the event loop, so that the inputs of the
 * next one can be copied while it computes.
 */

import { workerData } from 'node:worker_threads';
import { AclError } from '../acl/errors.ts';
import { openAcl } from '../acl/library.ts';
import { cannVersion } from '../acl/version.ts';
import { DeviceWorker } from './deviceWorker.ts';
import { memoryInfo } from './memory.ts';
import type { CommandType, Failed, Opened, Reply, Request, Results, WorkerSettings } from './protocol.ts';

const settings: WorkerSettings = workerData;
const { port } = settings;

const waiting: Request[] = [];
/** Runs whose inputs are on their way, or why that failed. */
const staged = new Map<number, unknown>();
let running: Request | null = null;
let scheduled = false;

const worker = open();
if (worker !== null) port.on('message', receive);

function open(): DeviceWorker | null {
  let opened: Opened;
  let made: DeviceWorker | null = null;
  try {
    const acl = openAcl(settings.libraries);
    made = new DeviceWorker(acl, settings.device, settings.timeout);
    const version: [[number], [number], [number]] = [[0], [0], [0]];
    acl.getVersion(...version);
    opened = {
      soc: made.soc,
      aclVersion: version.join('.'),
      cannVersion: cannVersion(acl),
      memory: memoryInfo(acl),
      owner: made.ownsLibrary,
    };
  } catch (error) {
    opened = { failed: failed(error, false) };
  }
  port.postMessage(opened);
  announce(settings.ready);
  return made;
}

function receive(request: Request): void {
  if (request.command.type === 'abandon') {
    abandon(request, request.command.reason);
    return;
  }
  waiting.push(request);
  if (
    request.command.type === 'run' &&
    worker !== null &&
    !waiting.some(({ command }) => reordersWith(command.type))
  ) {
    try {
      worker.stage(request.command);
      staged.set(request.id, null);
    } catch (error) {
      staged.set(request.id, error);
    }
  }
  schedule();
}

/** Inputs of a run are copied early only if nothing before it may change where they go. */
function reordersWith(type: CommandType): boolean {
  return type === 'load' || type === 'bind' || type === 'unload' || type === 'close';
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(turn);
}

/** One look at the device or one command; messages that have come meanwhile are received between two turns. */
function turn(): void {
  scheduled = false;
  if (worker === null) return;
  if (running !== null) {
    lookAfter(worker, running);
  } else {
    const request = waiting.shift();
    if (request === undefined) return;
    carryOut(worker, request);
  }
  if (running !== null || waiting.length > 0) schedule();
}

function carryOut(device: DeviceWorker, { id, command }: Request): void {
  if (command.type === 'close') {
    answer(device, id, () => {
      device.close();
      return null;
    });
    announce(settings.closed);
    port.close();
    return;
  }
  if (command.type === 'abandon') return;
  if (command.type !== 'run' && command.type !== 'collective') {
    answer(device, id, () => device.execute(command));
    return;
  }
  try {
    if (command.type === 'collective') {
      device.startCollective(command);
      running = { id, command };
      pauses = 0;
      return;
    }
    const problem = staged.get(id);
    if (problem === undefined) device.stage(command);
    else if (problem !== null) throw problem;
    device.start(command);
    running = { id, command };
    pauses = 0;
  } catch (error) {
    reply({ id, failed: failed(error, device.isLost) });
  } finally {
    staged.delete(id);
  }
}

/** Ends the wait for what is running, whose caller is told why. */
function abandon({ id }: Request, reason: string): void {
  worker?.abandon(reason);
  const ended = running;
  running = null;
  if (ended !== null) reply({ id: ended.id, failed: failed(new Error(reason), true) });
  reply({ id, value: null });
}

function lookAfter(device: DeviceWorker, { id }: Request): void {
  try {
    const result = device.finished();
    if (result === null) {
      pause();
      return;
    }
    running = null;
    reply({ id, value: result.dims });
  } catch (error) {
    running = null;
    reply({ id, failed: failed(error, device.isLost) });
  }
}

const pauseCell = new Int32Array(new SharedArrayBuffer(4));
let pauses = 0;

/** Sleeps between two looks at a run: short at first, up to a millisecond for long runs, so that waiting costs no processor time. */
function pause(): void {
  pauses = waiting.length > 0 ? 0 : pauses + 1;
  Atomics.wait(pauseCell, 0, 0, Math.min(1, 0.02 * pauses));
}

function answer(device: DeviceWorker, id: number, job: () => Results[CommandType]): void {
  try {
    reply({ id, value: job() });
  } catch (error) {
    reply({ id, failed: failed(error, device.isLost) });
  }
}

function reply(message: Reply): void {
  port.postMessage(message);
}

function announce(cell: Int32Array): void {
  Atomics.store(cell, 0, 1);
  Atomics.notify(cell, 0);
}

function failed(error: unknown, lost: boolean): Failed {
  if (error instanceof AclError)
    return { message: error.message, code: error.code, outOfMemory: error.isOutOfMemory, lost };
  const message = error instanceof Error ? error.message : String(error);
  return { message, code: null, outOfMemory: false, lost };
}
