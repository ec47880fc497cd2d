/** What a resumed run tells is what the whole run tells: means over windows that reach back behind the interruption. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Config } from '../src/index.ts';
import { LogProcessor } from '../src/log/logProcessor.ts';
import { eventsOf, interruptedAndResumed, temporary, trainTiny } from './support/training.ts';

const changes: Partial<Config> = {
  trainConfig: { maxEpochs: 3 },
  defaultHooks: { logger: { interval: 3 }, checkpoint: { intervalIterations: 1 } },
  logProcessor: {
    windowSize: 7,
    customConfig: [
      { dataSrc: 'loss', methodName: 'max', windowSize: 'global', logName: 'worstLoss' },
      { dataSrc: 'loss', methodName: 'min', windowSize: 'epoch', logName: 'bestLoss' },
    ],
  },
  optimWrapper: { optimizer: { type: 'SGD', lr: 0.1 }, clipGrad: { maxNorm: 1 } },
  trainDataloader: { dataset: { type: 'Stripes', length: 34, corrupt: [3] }, batchSize: 8, numWorkers: 0 },
};

/** The logged numbers after iteration `after`, times left out. */
async function logged(workDir: string, after: number): Promise<unknown[]> {
  const lines = (await readFile(join(workDir, 'log.jsonl'), 'utf8')).trim().split('\n');
  return lines
    .map((line) => JSON.parse(line))
    .filter(({ type, iteration }) => type === 'iteration' && iteration > after)
    .map(({ iteration, scalars }) => {
      const kept = Object.entries(scalars).filter(([name]) => !/time|imagesPer|Wait|memory/i.test(name));
      return { iteration, ...Object.fromEntries(kept) };
    });
}

it('smoothed losses, logged numbers, the mean of an epoch and its skipped samples go on after a resume', async () => {
  const whole = await temporary();
  const { events } = await trainTiny({ ...changes, workDir: whole });
  // In the middle of the second of three epochs of four steps.
  const resumed = await interruptedAndResumed(changes, 6);
  const from = eventsOf(resumed.events, 'start')[0]?.iteration ?? 0;
  expect(from).toBeGreaterThan(4);
  expect(from).toBeLessThan(8);
  const tail = (all: typeof events) =>
    eventsOf(all, 'iteration')
      .filter(({ iteration }) => iteration > from)
      .map(({ iteration, loss, smoothedLoss }) => ({ iteration, loss, smoothedLoss }));
  expect(tail(resumed.events)).toEqual(tail(events));
  const epochs = (all: typeof events) =>
    eventsOf(all, 'epoch').map(({ epoch, meanLoss, skipped }) => ({ epoch, meanLoss, skipped }));
  expect(epochs(resumed.events)).toEqual(epochs(events).slice(1));
  const end = resumed.end.lastCheckpoint ?? '';
  expect(await logged(join(end, '..'), from)).toEqual(await logged(whole, from));
});

it('windows go through JSON with infinities and NaN, and a damaged state is refused in a line', () => {
  const processor = new LogProcessor({ windowSize: 3, meanPattern: 'loss' });
  for (const loss of [4, 1, 2, 3]) processor.update({ loss, gradNorm: Infinity, odd: Number.NaN }, false);
  const state: unknown = JSON.parse(JSON.stringify(processor.saveState(['odd'])));
  const other = new LogProcessor({ windowSize: 3, meanPattern: 'loss' });
  other.loadState(state);
  other.update({ loss: 4 }, false);
  expect(other.scalars()).toEqual({ loss: 3, gradNorm: Infinity });
  expect(() => other.loadState({ loss: 1 })).toThrow('LoggerHook: its state in the checkpoint is damaged');
});
