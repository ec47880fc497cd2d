/** Evaluations outside of training, in a precision of one's choice, and their losses. */

import { describe, expect, it } from 'vitest';
import { type Config, checkConfig, type Hook, Runner } from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';
import { eventsOf, temporary, trainTiny } from './support/training.ts';

async function withRunner<T>(config: Config, use: (runner: Runner) => Promise<T>, hook?: Hook): Promise<T> {
  const runner = await Runner.create(config, hook === undefined ? {} : { hooks: [hook] });
  try {
    return await use(runner);
  } finally {
    await runner.dispose();
  }
}

const testData = { dataset: { type: 'Stripes', length: 5 } as const, batchSize: 4, numWorkers: 0 };

describe('val and test', () => {
  it('evaluate each on its data, val on the validation data in any case', async () => {
    const config: Config = { ...tinyConfig(await temporary()), testDataloader: testData };
    await withRunner(config, async (runner) => {
      expect((await runner.val()).samples).toBe(18);
      expect((await runner.test()).samples).toBe(5);
    });
    const { valDataloader: _, ...without } = config;
    await withRunner(without, async (runner) => {
      await expect(runner.val()).rejects.toThrow('val: the config has no valDataloader; add one');
    });
  });
});

describe('validation losses', () => {
  /** The loss of each sample by itself. */
  async function meanOfSingles(config: Config): Promise<number> {
    const dataset = config.valDataloader?.dataset ?? testData.dataset;
    const singles: Config = {
      ...config,
      valDataloader: { dataset, batchSize: 1, numWorkers: 0 },
      valConfig: { loss: true },
    };
    return withRunner(singles, async (runner) => (await runner.val()).metrics.loss ?? Number.NaN);
  }

  it('are the mean over the samples, also where the last batch is filled up', async () => {
    const config = tinyConfig(await temporary());
    const found = await withRunner({ ...config, valConfig: { loss: true } }, (runner) => runner.val());
    expect(Object.keys(found.metrics)).toEqual(['hits', 'loss']);
    // Means of float32 losses over 18 samples, in another order.
    expect(found.metrics.loss).toBeCloseTo(await meanOfSingles(config), 6);
  });

  it('come with every evaluation of a run, and a checkpoint can go by them', async () => {
    const { end, events } = await trainTiny({
      valConfig: { loss: true },
      defaultHooks: { checkpoint: { saveBest: 'loss' } },
    });
    const losses = eventsOf(events, 'evaluation').map(({ metrics }) => metrics.loss ?? Number.NaN);
    expect(losses).toHaveLength(3);
    expect(losses[2]).toBeLessThan(losses[0] ?? 0);
    expect(end.bestCheckpoint).not.toBeNull();
  });

  it('are enough to evaluate for, and hooks see predictions without them', async () => {
    const names = new Set<string>();
    const hook: Hook = {
      afterTestIteration: async (_, __, outputs) => {
        for (const name of Object.keys(outputs)) names.add(name);
      },
    };
    const config: Config = { ...tinyConfig('work'), valEvaluator: [], valConfig: { loss: true } };
    const { metrics } = await withRunner(config, (runner) => runner.val(), hook);
    expect(Object.keys(metrics)).toEqual(['loss']);
    expect([...names]).toEqual(['logits']);
  });
});

describe('the precision of an evaluation', () => {
  it('is that of training unless the config says otherwise', async () => {
    const logits = async (changes: Partial<Config>) => {
      let first: number[] = [];
      const hook: Hook = {
        afterTestIteration: async (_, __, outputs) => {
          if (first.length === 0) first = [...(outputs.logits?.data ?? [])].map(Number);
        },
      };
      await withRunner({ ...tinyConfig('work'), ...changes }, (runner) => runner.val(), hook);
      return first;
    };
    const optimWrapper = { optimizer: { type: 'SGD', lr: 0.1 }, amp: 'bfloat16' } as const;
    const float32 = await logits({});
    const bfloat16 = await logits({ optimWrapper });
    expect(bfloat16).not.toEqual(float32);
    expect(await logits({ optimWrapper, valConfig: { amp: 'off' } })).toEqual(float32);
    expect(await logits({ valConfig: { amp: 'bfloat16' } })).toEqual(bfloat16);
  });

  it('is one of those that there are', () => {
    const config = { ...tinyConfig('work'), testConfig: { amp: 'fp16' } };
    expect(() => checkConfig(config)).toThrow(/testConfig.amp is "fp16": expected "auto" or "bfloat16"/);
  });
});
