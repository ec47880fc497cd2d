/**
 * The Visualizer: hears the Runner's events, gives them their numbers and their place in the run, and hands them to all log backends.
 *
 * Curves have the iteration as their step, those of evaluations too, so that they can be laid over each other.
 */

import { memoryUsage } from 'node:process';
import type { Config } from '../config/types.ts';
import type { IterationEvent, RunnerEvent, Scalars } from '../runner/events.ts';
import {
  type LoggedImage,
  type RunOutcome,
  type VisBackend,
  type VisContext,
  visBackends,
} from './backend.ts';
import { LocalVisBackend } from './local.ts';
import { LogProcessor } from './logProcessor.ts';

export interface VisualizerOptions {
  /** Of this process; 0 unless given. */
  readonly rank?: number;
  /** Bytes that the device has held at most; logged where it is given. */
  readonly deviceMemory?: () => number;
}

export class Visualizer {
  readonly #backends: readonly VisBackend[];
  readonly #processor: LogProcessor;
  readonly #interval: number;
  readonly #deviceMemory: (() => number) | null;
  #step = 0;
  #ended: RunOutcome | null = null;

  /** `interval`: iterations between the ones that are logged. `context.config` is the run's. */
  constructor(context: VisContext, interval: number, { rank = 0, deviceMemory }: VisualizerOptions = {}) {
    const { visualizer, logProcessor }: Config = context.config;
    const others = (visualizer?.visBackends ?? []).filter(({ type }) => type !== 'LocalVisBackend');
    // What others than rank 0 have to say is of interest on this machine alone.
    this.#backends = [
      new LocalVisBackend(context, rank),
      ...(rank === 0 ? others : []).map((config) => visBackends.build(config)(context)),
    ];
    this.#deviceMemory = deviceMemory ?? null;
    this.#processor = new LogProcessor(logProcessor);
    this.#interval = interval;
  }

  /** Notes an event; `flush` writes it. */
  add(event: RunnerEvent): void {
    if (event.type === 'evaluationProgress' || event.type === 'downloadProgress') return;
    // A run that goes on when all of its steps are done has no start.
    if (event.type !== 'scalars' && 'iteration' in event) this.#step = event.iteration ?? this.#step;
    if (event.type === 'end') this.#ended = { status: event.reason };
    const step = event.type === 'scalars' ? Math.max(this.#step, event.iteration ?? 0) : this.#step;
    const entry = { time: Date.now(), step, event, scalars: this.#scalars(event) };
    if (event.type === 'iteration' && event.iteration % this.#interval !== 0) return;
    for (const backend of this.#backends) backend.add(entry);
  }

  addImage(image: Omit<LoggedImage, 'time' | 'step'>): void {
    const placed = { ...image, time: Date.now(), step: this.#step };
    for (const backend of this.#backends) backend.addImage?.(placed);
  }

  /** What smoothed numbers have seen, for a run that goes on later. */
  saveState(): unknown {
    return this.#processor.saveState(transient);
  }

  loadState(state: unknown): void {
    this.#processor.loadState(state);
  }

  async flush(): Promise<void> {
    for (const backend of this.#backends) await backend.flush();
  }

  /** Ends the run's logs; `error` is what ended the run before its time. */
  async close(error?: unknown): Promise<void> {
    await this.flush();
    const message = error instanceof Error ? error.message : String(error);
    const outcome = this.#ended ?? { status: 'failed', message };
    for (const backend of this.#backends) await backend.close?.(outcome);
  }

  #scalars(event: RunnerEvent): Scalars {
    if (event.type === 'evaluation') return prefixed('val', event.metrics);
    if (event.type === 'scalars') return grouped(event.scalars);
    if (event.type !== 'iteration') return {};
    const { loss, lr, scalars, seconds, dataSeconds } = event;
    const numbers = { loss, ...scalars, lr, time: seconds, dataTime: dataSeconds };
    this.#processor.update(numbers, event.iterationInEpoch === 1);
    if (event.iteration % this.#interval !== 0) return {};
    return prefixed('train', { ...this.#processor.scalars(), ...speed(event), ...this.#deviceScalars() });
  }

  #deviceScalars(): Scalars {
    return this.#deviceMemory === null
      ? {}
      : { deviceMemory: Math.round((10 * this.#deviceMemory()) / megabyte) / 10 };
  }
}

/** Numbers of the machine and not of the run: the same run saves the same state on any machine. */
const transient = ['time', 'dataTime'];

/** Bytes to the megabytes of logs. */
const megabyte = 1e6;

function speed({ imagesPerSecond, dataWaitShare }: IterationEvent): Scalars {
  return { imagesPerSecond, dataWaitShare, memory: Math.round(memoryUsage.rss() / megabyte) };
}

function prefixed(prefix: string, scalars: Scalars): Scalars {
  return Object.fromEntries(Object.entries(scalars).map(([name, value]) => [`${prefix}/${name}`, value]));
}

/** `train/` in front of the names that have no group. */
function grouped(scalars: Scalars): Scalars {
  return Object.fromEntries(
    Object.entries(scalars).map(([name, value]) => [name.includes('/') ? name : `train/${name}`, value]),
  );
}
