/**
 * What the training loop tells: the event of every step, with smoothed loss, speed and time left, and the sum of an epoch. A checkpoint holds what it has
 * seen of losses, as a hook's state, so that a resumed run tells what the whole one would have.
 */

import { type HostTensor, OmmaError } from '@omma/core';
import { z } from 'zod';
import type { DataLoader, SkippedSample } from '../data/types.ts';
import type { Hook } from '../hooks/hook.ts';
import type { EpochEvent, IterationEvent } from '../runner/events.ts';
import { Stopwatch } from './stopwatch.ts';
import type { InFlight } from './trainLoop.ts';
import type { TrainPlan } from './trainPlan.ts';

const savedSchema = z.object({
  losses: z.array(z.number()),
  epochLoss: z.object({ sum: z.number(), steps: z.int().min(0) }),
  skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
});

export class TrainRecord implements Hook {
  readonly name = 'TrainRecord';
  readonly #loader: DataLoader;
  readonly #plan: TrainPlan;
  readonly #smoothing: number;
  readonly #stopwatch: Stopwatch;
  #epochStopwatch: Stopwatch;
  #losses: number[] = [];
  #epochLoss = { sum: 0, steps: 0 };
  /** By name: a sample that stands in for a neighbour is met twice. */
  #skipped = new Map<string, SkippedSample>();
  #reported = 0;

  constructor(loader: DataLoader, plan: TrainPlan, smoothing: number) {
    this.#loader = loader;
    this.#plan = plan;
    this.#smoothing = smoothing;
    this.#stopwatch = new Stopwatch(loader.samplesPerStep);
    this.#epochStopwatch = this.#stopwatch;
  }

  saveState(): z.infer<typeof savedSchema> {
    return { losses: this.#losses, epochLoss: this.#epochLoss, skipped: [...this.#skipped.values()] };
  }

  loadState(state: unknown): void {
    const { success, data } = savedSchema.safeParse(state);
    if (!success) throw new OmmaError(`${this.name}: its state in the checkpoint is damaged`);
    this.#losses = data.losses.slice(-this.#smoothing);
    this.#epochLoss = data.epochLoss;
    this.#skipped = new Map(data.skipped.map((sample) => [sample.name, sample]));
  }

  /** `continued`: a resumed run is in the middle of it. */
  beginEpoch(continued: boolean): void {
    this.#epochStopwatch = new Stopwatch(this.#loader.samplesPerStep);
    this.resume();
    if (continued) return;
    this.#epochLoss = { sum: 0, steps: 0 };
    this.#skipped = new Map();
  }

  /** Training goes on after something else: that time was no step's. */
  resume(): void {
    this.#reported = performance.now();
  }

  /** Notes a step that has come back. */
  step(
    { batch, epoch, iteration, iterationInEpoch, lr, waited }: InFlight,
    loss: number,
    scalars: Readonly<Record<string, HostTensor>>,
  ): IterationEvent {
    const now = performance.now();
    const seconds = (now - this.#reported) / 1000;
    this.#reported = now;
    this.#stopwatch.add(seconds, waited / 1000);
    this.#epochStopwatch.add(seconds, waited / 1000);
    this.#losses = [...this.#losses.slice(1 - this.#smoothing), loss].slice(-this.#smoothing);
    this.#epochLoss = { sum: this.#epochLoss.sum + loss, steps: this.#epochLoss.steps + 1 };
    for (const sample of batch.skipped) this.#skipped.set(sample.name, sample);
    const { maxIterations, iterationsPerEpoch } = this.#plan;
    return {
      type: 'iteration',
      epoch,
      iteration,
      iterationInEpoch,
      iterationsPerEpoch,
      iterationsTotal: maxIterations,
      loss,
      smoothedLoss: this.#losses.reduce((total, value) => total + value, 0) / this.#losses.length,
      scalars: Object.fromEntries(
        Object.entries(scalars).map(([name, { data }]) => [name, data[0] ?? Number.NaN]),
      ),
      lr,
      seconds,
      dataSeconds: waited / 1000,
      secondsLeft: this.#stopwatch.secondsPerStep * (maxIterations - iteration),
      ...this.#stopwatch.recent,
    };
  }

  endEpoch(epoch: number): EpochEvent {
    return {
      type: 'epoch',
      epoch,
      meanLoss: this.#epochLoss.sum / Math.max(1, this.#epochLoss.steps),
      skipped: [...this.#skipped.values()],
      ...this.#epochStopwatch.total,
    };
  }
}
