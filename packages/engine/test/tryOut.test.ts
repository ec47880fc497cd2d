import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deviceFactories } from '@omma/core';
import '@omma/cpu';
import { describe, expect, it } from 'vitest';
import {
  type Config,
  chromeTrace,
  meanNodes,
  Runner,
  type RunnerListener,
  suggestions,
} from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';
import { eventsOf, temporary, trainTiny } from './support/training.ts';

/** The reference device measures nothing. */
const cpu = deviceFactories().some(({ name, available }) => name === 'cpu' && available() === true);

async function using<T>(
  config: Config,
  run: (runner: Runner) => Promise<T>,
  onEvent: RunnerListener = () => {},
): Promise<T> {
  const runner = await Runner.create(config, { onEvent });
  try {
    return await run(runner);
  } finally {
    await runner.dispose();
  }
}

describe('the dry run', () => {
  it('says what training would do and take, and writes nothing', async () => {
    const parent = await temporary();
    const config = { ...tinyConfig(join(parent, 'work')), customHooks: [{ type: 'EMAHook' } as const] };
    const report = await using(config, (runner) => runner.check());
    expect(report).toMatchObject({
      trainSamples: 34,
      valSamples: 18,
      batchSize: 8,
      iterationsPerEpoch: 4,
      maxIterations: 12,
      evaluations: 3,
      parameters: 4 * 9 + 8 + 10,
      trainableParameters: 54,
    });
    // Weights, momentum and averages; statistics; the random key and the count of the averages.
    expect(report.memory.state).toBe(4 * (3 * 54 + 8 + 2 + 1));
    expect(Number.isFinite(report.loss) && report.secondsPerStep > 0 && report.trainSeconds > 0).toBe(true);
    expect(await readdir(parent)).toEqual([]);
  });

  it('says that hooks go by a metric that evaluations do not give, and which is the nearest', async () => {
    const config = tinyConfig(await temporary());
    const checked = (changes: Partial<Config>, onEvent?: RunnerListener) =>
      using({ ...config, ...changes }, (runner) => runner.check(), onEvent);
    await expect(checked({ defaultHooks: { checkpoint: { saveBest: 'acc/hits' } } })).rejects.toThrow(
      'defaultHooks.checkpoint.saveBest is acc/hits, but the evaluation gives hits; did you mean hits?',
    );
    const stopping = { type: 'EarlyStoppingHook', monitor: 'hit' } as const;
    await expect(checked({ customHooks: [{ ...stopping, strict: true }] })).rejects.toThrow(
      /did you mean hits/,
    );
    await expect(
      checked({ paramScheduler: [{ type: 'ReduceOnPlateauLR', monitor: 'hit' }] }),
    ).rejects.toThrow(/ReduceOnPlateauLR monitors hit, but the evaluation gives hits/);
    const warnings: string[] = [];
    await checked({ customHooks: [stopping] }, (event) => {
      if (event.type === 'warning') warnings.push(event.message);
    });
    expect(warnings).toEqual([expect.stringContaining('EarlyStoppingHook: monitor is hit')]);
  });

  it('refuses what training would refuse', async () => {
    const { optimWrapper: _, ...rest } = tinyConfig(await temporary());
    await expect(using(rest, (runner) => runner.check())).rejects.toThrow(/has no optimWrapper/);
  });
});

describe('the learning-rate finder', () => {
  it('stops when the loss blows up, and suggests a rate below', async () => {
    const config = {
      ...tinyConfig(await temporary()),
      optimWrapper: { optimizer: { type: 'SGD', lr: 1 } as const },
    };
    const result = await using(config, (runner) =>
      runner.findLearningRate({ start: 1e-4, end: 1e6, steps: 60 }),
    );
    expect(result.diverged).toBe(true);
    expect(result.points.length).toBeLessThan(60);
    expect(result.suggestion).toBeGreaterThan(1e-4);
    expect(result.suggestion).toBeLessThan(result.points.at(-1)?.lr ?? 0);
  });

  it('finds the steepest descent of a curve, and none where there is none', () => {
    const curve = (loss: (x: number) => number) =>
      Array.from({ length: 50 }, (_, i) => ({ lr: 10 ** (i / 10), loss: 0, smoothed: loss(i) }));
    // A logistic descent around the 30th point, least at the 40th.
    const valley = curve((i) => 1 / (1 + Math.exp((i - 30) / 2)) + (i > 40 ? i - 40 : 0));
    const found = suggestions(valley, 50);
    expect(found.suggestion).toBeCloseTo(10 ** 3, 6);
    expect(found.careful).toBeCloseTo(10 ** 3, 6);
    expect(found.noSuggestion).toBeNull();
    expect(
      suggestions(
        curve((i) => i),
        50,
      ),
    ).toEqual({
      suggestion: null,
      careful: null,
      noSuggestion: expect.stringMatching(/^the loss never fell: begin with a smaller rate/),
    });
    // A curve of few points has a steepest place too, which is noise.
    expect(suggestions(valley.slice(20, 49), 29)).toEqual({
      suggestion: null,
      careful: null,
      noSuggestion:
        '29 points are too few to tell a slope from noise: at least 30 are needed; take more --steps (100 are usual)',
    });
    expect(suggestions(valley.slice(20, 49), 100).noSuggestion).toMatch(
      /; begin with a smaller rate \(--start\)/,
    );
  });
});

describe('the profiler hook', () => {
  it.skipIf(!cpu)('writes a trace of steps and nodes, and may end the run', async () => {
    const workDir = await temporary();
    const schedule = { wait: 1, active: 3 };
    const profiler = { type: 'ProfilerHook', schedule, exitAfterProfiling: true } as const;
    const { end, events } = await trainTiny({ workDir, device: 'cpu', customHooks: [profiler] });
    expect(end.reason).toBe('stopped');
    expect(eventsOf(events, 'notice')[0]?.message).toMatch(
      /trace.json: a step spends .* ms in \d+ nodes; the longest: /,
    );
    const { traceEvents } = JSON.parse(await readFile(join(workDir, 'trace.json'), 'utf8'));
    const names = traceEvents.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['step 2', 'step 3', 'step 4']));
    expect(names.some((name: string) => name.includes('conv'))).toBe(true);
    const dims = traceEvents.map(({ args }: { args?: Record<string, string> }) => args?.['Input Dims']);
    // The pictures and the weight of the first convolution.
    expect(dims).toContainEqual(expect.stringMatching(/\[8, 1, 8, 8\], \[4, 1, 3, 3\]/));
  });

  it('measures again and again as its schedule says, each time into a file of its own', async () => {
    const workDir = await temporary();
    const schedule = { skipFirst: 1, wait: 1, warmup: 1, active: 2, repeat: 2 };
    const customHooks = [{ type: 'ProfilerHook', schedule }] as const;
    await trainTiny({ workDir, customHooks });
    const stepsOf = async (file: string) => {
      const { traceEvents } = JSON.parse(await readFile(join(workDir, file), 'utf8'));
      const steps = traceEvents.filter(({ cat }: { cat?: string }) => cat === 'step');
      return steps.map(({ name }: { name: string }) => name);
    };
    expect(await stepsOf('trace_1.json')).toEqual(['step 4', 'step 5']);
    expect(await stepsOf('trace_2.json')).toEqual(['step 8', 'step 9']);
    expect((await readdir(workDir)).filter((name) => name.startsWith('trace'))).toHaveLength(2);
  });

  it('takes what was measured between two looks', () => {
    const node = (runs: number, milliseconds: number) => ({
      name: 'a',
      op: 'relu',
      scope: '',
      runs,
      milliseconds,
      bytes: 8,
      flops: 2,
    });
    const nodes = meanNodes([node(2, 10)], [node(6, 14)]);
    expect(nodes).toMatchObject([{ milliseconds: 1 }]);
    expect(meanNodes([node(2, 10)], [node(2, 10)])).toEqual([]);
    expect(chromeTrace([], nodes)).toMatchObject({ displayTimeUnit: 'ms' });
  });
});
