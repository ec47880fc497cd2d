/**
 * What the engine itself takes of a step: Runner, hooks, logging, and handing the data over. The device here takes 50 ms a step by the clock and no
 * processor at all, so that all the processor time of the process is the engine's: it is the row's number, beside the 50 ms.
 *
 * A busy machine would make a difference of wall times worthless; processor time it leaves alone.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Device,
  device,
  type Executable,
  type Graph,
  type HostTensor,
  hostArray,
  hostTensor,
  registerDevice,
  sizeOf,
} from '@omma/core';
import { type Config, type Dataset, datasets, type Hook, Runner, type Sample } from '@omma/engine';
import '@omma/classification';
import { z } from 'zod';
import type { Benchmark } from './benchmark.ts';
import { timeRow } from './row.ts';

const stepMilliseconds = 50;
/**
 * Steps before the first that counts, and those that do, in rounds: long enough for V8 to have compiled what is run often, and for the collector to be
 * where it stays. (What it did eight seconds into a run once took ten times the rest, and 140 steps did not see it.)
 */
const warmUp = 60;
const stepsPerRound = 60;
const rounds = 9;
const batchSize = 32;
const pictureSize = 112;

declare module '@omma/engine' {
  interface DatasetTypes {
    Still: object;
  }
}

/** Takes its time and computes nothing: all outputs are zero, and so is all state. */
class ClockedDevice implements Device {
  readonly name = 'clocked';
  readonly capabilities = { ...device('reference').capabilities, description: 'a clock' };
  supports: Device['supports'] = () => true;
  allocate: Device['allocate'] = (type) => ({ type });
  free: Device['free'] = () => undefined;
  upload: Device['upload'] = async () => undefined;
  download: Device['download'] = async ({ type }) => hostArray(type.dtype, sizeOf(type.shape));
  memory: Device['memory'] = () => ({ live: 0, peak: 0 });
  dispose: Device['dispose'] = () => undefined;
  #queue: Promise<unknown> = Promise.resolve();

  async synchronize(): Promise<void> {
    await this.#queue;
  }

  async compile(graph: Graph): Promise<Executable> {
    return {
      bytes: 0,
      profile: () => [],
      dispose: () => undefined,
      run: () => {
        const result = this.#queue.then(() => sleep(stepMilliseconds)).then(() => zeroOutputs(graph));
        this.#queue = result;
        return result;
      },
    };
  }
}

function zeroOutputs({ outputs, values }: Graph): Record<string, HostTensor> {
  return Object.fromEntries(
    outputs.map(({ name, value }) => {
      const type = values[value];
      if (type === undefined) throw new Error(`clocked device: no value ${value}`);
      const { shape, dtype } = type;
      return [name, hostTensor(shape, dtype, hostArray(dtype, sizeOf(shape)))];
    }),
  );
}

/** Pictures that are there already: nothing is decoded, only put into batches. */
class Still implements Dataset {
  readonly classes = ['a', 'b'];
  readonly length = (warmUp + rounds * stepsPerRound + 10) * batchSize;
  readonly #sample: Sample = {
    tensors: {
      image: hostTensor(
        [pictureSize, pictureSize, 3],
        'uint8',
        new Uint8Array(pictureSize * pictureSize * 3),
      ),
      label: hostTensor([], 'int32', Int32Array.of(1)),
    },
  };

  async load(): Promise<Sample> {
    return this.#sample;
  }

  nameOf(index: number): string {
    return `picture ${index}`;
  }
}

export const engineOverheadBenchmark: Benchmark = {
  name: `engine: processor time beside a step of ${stepMilliseconds} ms, batch ${batchSize} of ${pictureSize}x${pictureSize}`,
  long: false,
  run: async ({ progress }) => {
    progress(engineOverheadBenchmark.name);
    registerDevice({
      name: 'clocked',
      priority: -1,
      available: () => true,
      create: () => new ClockedDevice(),
    });
    datasets.register('Still', z.strictObject({}), () => new Still());
    const workDir = await mkdtemp(join(tmpdir(), 'omma-bench-'));
    try {
      const clock = new Clock();
      const runner = await Runner.create(config(workDir), { hooks: [clock] });
      await runner.train();
      await runner.dispose();
      const side = { rounds: clock.rounds.map((milliseconds) => [milliseconds]) };
      const step = { rounds: clock.rounds.map(() => [stepMilliseconds]) };
      return [timeRow(engineOverheadBenchmark.name, side, { peer: 'the step', side: step })];
    } finally {
      await rm(workDir, { recursive: true, force: true });
    }
  },
};

/** Processor time a step, round by round. Ends the run when it has seen enough. */
class Clock implements Hook {
  readonly name = 'clock';
  readonly rounds: number[] = [];
  #from: NodeJS.CpuUsage = { user: 0, system: 0 };

  async afterTrainIteration({ progress, stop }: Parameters<NonNullable<Hook['afterTrainIteration']>>[0]) {
    const done = progress.iteration - warmUp;
    if (done < 0 || done % stepsPerRound !== 0) return;
    if (done > 0) {
      const { user, system } = process.cpuUsage(this.#from);
      this.rounds.push((user + system) / 1000 / stepsPerRound);
    }
    if (this.rounds.length === rounds) stop('measured');
    this.#from = process.cpuUsage();
  }
}

/** A run with the hooks and logs that people have. */
function config(workDir: string): Config {
  return {
    model: {
      type: 'ImageClassifier',
      backbone: { type: 'ResNet', depth: 18 },
      head: { type: 'LinearClsHead', numClasses: 2 },
    },
    trainDataloader: { dataset: { type: 'Still' }, batchSize, numWorkers: 0 },
    optimWrapper: { optimizer: { type: 'SGD', lr: 0.1, momentum: 0.9 } },
    paramScheduler: [{ type: 'CosineAnnealingLR', convertToIterBased: true }],
    trainConfig: { maxEpochs: 1 },
    visualizer: { visBackends: [{ type: 'TensorboardVisBackend' }] },
    customHooks: [{ type: 'EMAHook' }],
    device: 'clocked',
    workDir,
  };
}
