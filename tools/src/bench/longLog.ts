/** The log of a long run, as a run writes it: log.jsonl, and TensorBoard's event files for a peer. */

import { join } from 'node:path';
import type {} from '@omma/classification';
import { type Config, type LogEntry, type VisBackend, visBackends } from '@omma/engine';

/** Curves of a logged iteration. */
export const curveNames = [
  'train/loss',
  'train/gradNorm',
  'train/lr',
  'train/time',
  'train/dataTime',
  'train/imagesPerSecond',
  'train/dataWaitShare',
  'train/memory',
] as const;

const config: Config = {
  model: {
    type: 'ImageClassifier',
    backbone: { type: 'ResNet', depth: 18 },
    head: { type: 'LinearClsHead', numClasses: 2 },
  },
  trainDataloader: {
    dataset: { type: 'ImageFolder', root: 'nowhere', split: 'train', transforms: [] },
    batchSize: 1,
  },
  optimWrapper: { optimizer: { type: 'SGD', lr: 0.1 } },
};
const begin = Date.parse('2026-01-02T00:00:00Z');
const stepsPerEpoch = 1000;
const flushEvery = 10_000;

/** Writes `steps` logged iterations with a number for each of `curveNames` into `root`/long. */
export async function writeLongLog(
  root: string,
  steps: number,
  backends: readonly ('LocalVisBackend' | 'TensorboardVisBackend')[],
): Promise<void> {
  const context = { workDir: join(root, 'long'), config, warn: () => undefined };
  const written: VisBackend[] = backends.map((type) => visBackends.build({ type })(context));
  const next = noise();
  for (const each of written) each.add(started(steps));
  for (let step = 1; step <= steps; step++) {
    const entry = iteration(step, steps, next);
    for (const each of written) {
      each.add(entry);
      if (step % flushEvery === 0 || step === steps) await each.flush();
    }
  }
}

/** Numbers between 0 and 1 with all their digits, the same every time. */
function noise(): () => number {
  let state = 1;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32 + state / 2 ** 60;
  };
}

function started(steps: number): LogEntry {
  return {
    time: begin,
    step: 0,
    scalars: {},
    event: {
      type: 'start',
      device: 'cpu',
      description: 'a run that nobody ran',
      amp: 'off',
      ranks: 1,
      communicator: null,
      parameters: 11_000_000,
      trainSamples: stepsPerEpoch,
      valSamples: 0,
      iterationsPerEpoch: stepsPerEpoch,
      maxEpochs: Math.ceil(steps / stepsPerEpoch),
      maxIterations: steps,
      epoch: 0,
      iteration: 0,
      resumedFrom: null,
      compileMs: 0,
    },
  };
}

function iteration(step: number, steps: number, next: () => number): LogEntry {
  const loss = 2 / (1 + step / 10_000) + next();
  const [gradNorm, lr, seconds, dataSeconds] = [10 * next(), 0.1 * (1 - step / steps), next(), next() / 100];
  const [imagesPerSecond, dataWaitShare] = [100 + 10 * next(), next() / 100];
  const numbers = [
    loss,
    gradNorm,
    lr,
    seconds,
    dataSeconds,
    imagesPerSecond,
    dataWaitShare,
    1000 + (step % 97),
  ];
  return {
    time: begin + 137 * step,
    step,
    scalars: Object.fromEntries(curveNames.map((name, i) => [name, numbers[i] ?? 0])),
    event: {
      type: 'iteration',
      epoch: Math.floor((step - 1) / stepsPerEpoch),
      iterationInEpoch: ((step - 1) % stepsPerEpoch) + 1,
      iterationsPerEpoch: stepsPerEpoch,
      iteration: step,
      iterationsTotal: steps,
      loss,
      smoothedLoss: loss,
      scalars: { gradNorm },
      lr,
      seconds,
      dataSeconds,
      imagesPerSecond,
      secondsLeft: 0,
      dataWaitShare,
    },
  };
}
