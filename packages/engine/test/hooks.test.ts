import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  checkConfig,
  directionOf,
  endOfEpoch,
  everyNEpochs,
  everyNInnerIterations,
  everyNIterations,
  type Hook,
  HookList,
  hooks,
  isLastTrainEpoch,
  isLastTrainIteration,
  loadCheckpoint,
  metrics,
  type Place,
  priorityNumber,
  TrainPlan,
} from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';
import { eventsOf, temporary, trainTiny } from './support/training.ts';

const calls: string[] = [];

class NoteHook implements Hook {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  async beforeTrain(): Promise<void> {
    calls.push(this.#text);
  }
}

declare module '../src/index.ts' {
  interface HookTypes {
    NoteHook: { readonly text: string };
  }
  interface MetricTypes {
    Given: { readonly losses: readonly number[] };
  }
}
hooks.register('NoteHook', z.strictObject({ text: z.string() }), ({ text }) => new NoteHook(text));

metrics.register('Given', z.strictObject({ losses: z.array(z.number()) }), ({ losses }) => {
  let next = 0;
  return {
    reset: () => undefined,
    update: () => undefined,
    compute: () => ({ loss: losses[next++] ?? Number.NaN }),
  };
});

describe('hooks', () => {
  it('run by priority, and in the order of their registration where it is the same', async () => {
    const list = new HookList();
    const order: string[] = [];
    const hook = (name: string): Hook => ({ name, beforeTrain: async () => void order.push(name) });
    list.add(hook('last'), 'LOWEST');
    list.add(hook('a'));
    list.add(hook('b'));
    list.add(hook('first'), 5);
    list.add({ ...hook('early'), priority: 'HIGH' });
    expect(list.info.map(({ name }) => name)).toEqual(['first', 'early', 'a', 'b', 'last']);
    expect(priorityNumber('VERY_LOW')).toBe(90);
  });

  it('of the config are built by type, with the priority that it gives them', async () => {
    calls.length = 0;
    await trainTiny({
      trainConfig: { maxEpochs: 1 },
      customHooks: [
        { type: 'NoteHook', text: 'second' },
        { type: 'NoteHook', text: 'first', priority: 'HIGHEST' },
      ],
    });
    expect(calls).toEqual(['first', 'second']);
  });

  it('that the config misspells are refused with the nearest name, like their options and priority', () => {
    const mistake = (hook: object) => () => checkConfig({ ...tinyConfig('work'), customHooks: [hook] });
    expect(mistake({ type: 'NotHook', text: '' })).toThrow(
      /customHooks\[0\].type .* did you mean NoteHook\?/,
    );
    expect(mistake({ type: 'NoteHook', tex: '' })).toThrow(/customHooks\[0\].tex .* did you mean text\?/);
    expect(mistake({ type: 'NoteHook', text: '', priority: 'HIGHER' })).toThrow(/customHooks\[0\].priority/);
  });

  it('see every point of a run, in order', async () => {
    const points: string[] = [];
    const note = (point: string) => async () => void (points.at(-1) !== point && points.push(point));
    const hook: Hook = {
      beforeRun: note('beforeRun'),
      beforeTrain: note('beforeTrain'),
      beforeTrainEpoch: note('beforeTrainEpoch'),
      beforeTrainIteration: note('beforeTrainIteration'),
      afterTrainIteration: note('afterTrainIteration'),
      afterTrainEpoch: note('afterTrainEpoch'),
      beforeVal: note('beforeVal'),
      afterVal: note('afterVal'),
      afterEpoch: note('afterEpoch'),
      beforeSaveCheckpoint: note('beforeSaveCheckpoint'),
      afterTrain: note('afterTrain'),
      afterRun: note('afterRun'),
    };
    const trainDataloader = { dataset: { type: 'Stripes', length: 8 } as const, batchSize: 8, numWorkers: 0 };
    await trainTiny({ trainConfig: { maxEpochs: 1 }, trainDataloader }, { hooks: [hook] });
    expect(points).toEqual([
      'beforeRun',
      'beforeTrain',
      'beforeTrainEpoch',
      'beforeTrainIteration',
      'afterTrainIteration',
      'afterTrainEpoch',
      'beforeVal',
      'afterVal',
      'afterEpoch',
      'beforeSaveCheckpoint',
      'afterTrain',
      'afterRun',
    ]);
  });

  it('get the outputs of every step, and of every batch of an evaluation', async () => {
    const losses: number[] = [];
    let rows = 0;
    const hook: Hook = {
      afterTrainOutputs: async (_, { loss }) => void losses.push(loss),
      afterValIteration: async (_, { count }, { logits }) => {
        expect(logits?.shape[1]).toBe(2);
        rows += count;
      },
    };
    const { events } = await trainTiny({ trainConfig: { maxEpochs: 1 } }, { hooks: [hook] });
    expect(losses).toEqual(eventsOf(events, 'iteration').map(({ loss }) => loss));
    expect(rows).toBe(18);
  });

  it('keep what they want in checkpoints, under their names', async () => {
    const count = (): Hook & { seen: number } => ({
      name: 'count',
      seen: 0,
      saveState() {
        return this.seen;
      },
      loadState(state) {
        this.seen = Number(state);
      },
      async afterTrainOutputs() {
        this.seen++;
      },
    });
    const workDir = await temporary();
    await trainTiny({ workDir, trainConfig: { maxEpochs: 1 } }, { hooks: [count()] });
    const resumed = count();
    await trainTiny({ workDir, trainConfig: { maxEpochs: 2 } }, { hooks: [resumed], resume: true });
    expect(resumed.seen).toBe(8);
    const nameless: Hook = { saveState: () => 1 };
    await expect(trainTiny({}, { hooks: [nameless] })).rejects.toThrow(/needs a name of its own/);
    await expect(trainTiny({}, { hooks: [count(), count()] })).rejects.toThrow(/two are called count/);
  });

  it('may stop the run', async () => {
    const hook: Hook = {
      afterTrainIteration: async ({ progress, stop }) => {
        if (progress.iteration === 5) stop('five are enough');
      },
    };
    const { end, events } = await trainTiny({}, { hooks: [hook] });
    expect(end.reason).toBe('stopped');
    expect(eventsOf(events, 'iteration')).toHaveLength(5);
    expect(eventsOf(events, 'notice').at(-1)?.message).toBe('training stopped: five are enough');
  });
});

describe('the hook of docs/training.md', () => {
  it('is built by type, and tells of slow steps', async () => {
    const page = await readFile(new URL('../../../docs/training.md', import.meta.url), 'utf8');
    const code = /```ts\n\/\/ slowStepHook.ts\n(.*?)```/s.exec(page)?.[1] ?? '';
    const file = join(await temporary(), 'slowStepHook.ts');
    const source = (name: string) => fileURLToPath(new URL(`../../${name}/src/index.ts`, import.meta.url));
    const alias = { '@omma/engine': source('engine'), zod: createRequire(import.meta.url).resolve('zod') };
    await writeFile(file, code);
    const { SlowStepHook } = await createJiti(import.meta.url, { alias }).import<{
      SlowStepHook: new (options: { times: number }) => Hook;
    }>(file);
    const hook = new SlowStepHook({ times: 1 });
    const { events } = await trainTiny({}, { hooks: [hook] });
    const slow = eventsOf(events, 'warning').filter(({ message }) => /^step 1[0-2] took/.test(message));
    const seconds = eventsOf(events, 'iteration').map((event) => event.seconds);
    const longer = seconds.filter((each, i) => {
      const mean = seconds.slice(0, i).reduce((sum, other) => sum + other, 0) / i;
      return i >= 9 && each >= mean;
    });
    expect(slow).toHaveLength(longer.length);
  });
});

describe('early stopping', () => {
  const stopping = (options: object) =>
    checkConfig({
      ...tinyConfig('work'),
      trainConfig: { maxEpochs: 9 },
      customHooks: [{ type: 'EarlyStoppingHook', monitor: 'hits', ...options }],
    }).customHooks ?? [];

  it('ends the run when a metric has not got better for some evaluations', async () => {
    const customHooks = stopping({ minDelta: 2, patience: 2 });
    const { end, events } = await trainTiny({ trainConfig: { maxEpochs: 9 }, customHooks });
    expect(end.reason).toBe('stopped');
    expect(eventsOf(events, 'evaluation')).toHaveLength(3);
    const message = eventsOf(events, 'notice').at(-1)?.message;
    expect(message).toMatch(/hits has not been better than .* by more than 2 for 2 evaluations/);
  });

  it('goes on counting when the run is resumed', async () => {
    const workDir = await temporary();
    const customHooks = stopping({ minDelta: 2, patience: 2 });
    await trainTiny({ workDir, trainConfig: { maxEpochs: 2 }, customHooks });
    const { events } = await trainTiny(
      { workDir, trainConfig: { maxEpochs: 9 }, customHooks },
      { resume: true },
    );
    expect(eventsOf(events, 'evaluation')).toHaveLength(1);
  });

  it('ends it at a threshold, and warns of a metric that there is not', async () => {
    const reached = await trainTiny({ customHooks: stopping({ stoppingThreshold: 0 }) });
    expect(eventsOf(reached.events, 'evaluation')).toHaveLength(1);
    const unknown = await trainTiny({ customHooks: stopping({ monitor: 'hit' }) });
    expect(eventsOf(unknown.events, 'warning')[0]?.message).toMatch(/did you mean hits\?/);
    await expect(trainTiny({ customHooks: stopping({ monitor: 'hit', strict: true }) })).rejects.toThrow(
      /gives hits/,
    );
  });
});

describe('the checkpoint hook', () => {
  it('keeps the best by several metrics, each with its rule, and begins to save when it is told to', async () => {
    const workDir = await temporary();
    await trainTiny({
      workDir,
      defaultHooks: { checkpoint: { saveBest: ['hits', 'auto'], rule: ['greater', 'less'], saveBegin: 3 } },
    });
    const names = (await readdir(workDir)).sort();
    expect(names).toContain('best_hits.safetensors');
    const { manifest } = await loadCheckpoint(join(workDir, 'iter_0000000012.safetensors'));
    expect(manifest.hooks.CheckpointHook).toMatchObject([{ metric: 'hits' }]);
    expect((await readFile(join(workDir, 'last_checkpoint'), 'utf8')).trim()).toBe(
      'iter_0000000012.safetensors',
    );
  });

  it("saves elsewhere under names of one's choice, and a run goes on from there", async () => {
    const [root, outDir] = [await temporary(), await temporary()];
    const workDir = join(root, 'flowers');
    const checkpoint = { outDir, filenameTemplate: 'tiny-{}.safetensors', maxKeep: -1 } as const;
    const run = (maxEpochs: number) =>
      trainTiny({ workDir, defaultHooks: { checkpoint }, trainConfig: { maxEpochs } }, { resume: true });
    await run(2);
    const { events } = await run(3);
    expect(eventsOf(events, 'start')[0]?.resumedFrom).toBe(
      join(outDir, 'flowers', 'tiny-0000000008.safetensors'),
    );
    expect((await readdir(join(outDir, 'flowers'))).sort()).toEqual([
      'best.safetensors',
      'tiny-0000000004.safetensors',
      'tiny-0000000008.safetensors',
      'tiny-0000000012.safetensors',
    ]);
    const last = (await readFile(join(workDir, 'last_checkpoint'), 'utf8')).trim();
    expect(resolve(workDir, last)).toBe(join(outDir, 'flowers', 'tiny-0000000012.safetensors'));
    const wrong = { ...tinyConfig('work'), defaultHooks: { checkpoint: { filenameTemplate: '../x.pth' } } };
    expect(() => checkConfig(wrong)).toThrow(
      /filenameTemplate is "..\/x.pth": expected a file name with one \{\}/,
    );
  });

  it('publishes the weights at the end', async () => {
    const workDir = await temporary();
    const { events } = await trainTiny({ workDir, defaultHooks: { checkpoint: { publish: true } } });
    const published = (await readdir(workDir)).filter((name) => /-[0-9a-f]{8}\.safetensors$/.test(name));
    expect(published.map((name) => name.split('-')[0]).sort()).toEqual(['best', 'iter_0000000012']);
    expect(eventsOf(events, 'notice').map(({ message }) => message)).toEqual(
      expect.arrayContaining([`published as ${join(workDir, published[0] ?? '')}`]),
    );
    // The next run's pruning takes published files for nobody's.
    await trainTiny({ workDir, trainConfig: { maxEpochs: 1 } });
    expect(await readdir(workDir)).toEqual(expect.arrayContaining(published));
  });

  describe('in a run that goes on', () => {
    const trainConfig = { maxEpochs: 1 };
    const defaultHooks = { checkpoint: { publish: true, saveBest: 'loss', rule: 'less' } } as const;
    /** Evaluates to the numbers that it is given, one after the other. */
    const losing = (...losses: number[]) => ({
      valEvaluator: [{ type: 'Given' as const, losses }],
      defaultHooks,
    });

    it('finds the best one again in a work directory that has moved, and puts a better one in its place', async () => {
      const folder = await temporary();
      const [before, after] = [join(folder, 'before'), join(folder, 'after')];
      await trainTiny({ workDir: before, trainConfig, ...losing(2) });
      await rename(before, after);
      const best = join(after, 'best.safetensors');
      const run = async (maxEpochs: number, ...losses: number[]) => {
        const changes = { workDir: after, trainConfig: { maxEpochs }, ...losing(...losses) };
        const { end, events } = await trainTiny(changes, { resume: true });
        expect(end.bestCheckpoint).toBe(best);
        expect(eventsOf(events, 'warning')).toEqual([]);
        return (await loadCheckpoint(best)).manifest.epoch;
      };
      expect(await run(2, 3)).toBe(1);
      expect(await run(3, 1)).toBe(3);
      await expect(stat(before)).rejects.toThrow(/ENOENT/);
      expect((await readdir(after)).filter((name) => /^best-[0-9a-f]{8}/.test(name))).toHaveLength(2);
    });

    it('leaves the best one in the work directory that it goes on from, until there is a better one', async () => {
      const folder = await temporary();
      const [before, after] = [join(folder, 'before'), join(folder, 'after')];
      const { end } = await trainTiny({ workDir: before, trainConfig, ...losing(2) });
      const options = { resume: end.lastCheckpoint ?? '' };
      const next = await trainTiny({ workDir: after, trainConfig: { maxEpochs: 2 }, ...losing(3) }, options);
      expect(next.end.bestCheckpoint).toBe(join(before, 'best.safetensors'));
      const changes = { workDir: after, trainConfig: { maxEpochs: 4 }, ...losing(3, 1) };
      const last = await trainTiny(changes, { resume: true });
      expect(last.end.bestCheckpoint).toBe(join(after, 'best.safetensors'));
    });

    it('says that the best one is gone, and publishes none', async () => {
      const workDir = await temporary();
      await trainTiny({ workDir, trainConfig, ...losing(2) });
      const best = join(workDir, 'best.safetensors');
      await rm(best);
      const changes = { workDir, trainConfig: { maxEpochs: 2 }, ...losing(3) };
      const { events } = await trainTiny(changes, { resume: true });
      expect(eventsOf(events, 'warning').map(({ message }) => message)).toEqual([
        `${best} is gone: the best checkpoint so far, of loss 2; what is better than that will be kept`,
        `${best} is gone, so it is not published`,
      ]);
    });
  });

  it('knows from the keys of the config which metrics are better when they are less', () => {
    expect(directionOf('hits')).toBe('greater');
    expect(directionOf('hits', undefined, { lessKeys: ['hit'] })).toBe('less');
    expect(directionOf('loss', undefined, { greaterKeys: ['loss'] })).toBe('greater');
    expect(directionOf('loss', 'less', { greaterKeys: ['loss'] })).toBe('less');
  });
});

describe('the logger hook', () => {
  it('copies the logs to where logs are collected, of a run that failed too', async () => {
    const outDir = await temporary();
    const workDir = join(await temporary(), 'run');
    await trainTiny({
      workDir,
      defaultHooks: { logger: { outDir } },
      visualizer: { visBackends: [{ type: 'CsvVisBackend' }] },
    });
    const copy = (name: string) => readFile(join(outDir, 'run', name), 'utf8');
    expect(await copy('log.jsonl')).toBe(await readFile(join(workDir, 'log.jsonl'), 'utf8'));
    expect(await readdir(join(outDir, 'run'))).toEqual(['config.json', 'log.jsonl', 'vis_data']);
    const beforeTrain = async () => {
      throw new Error('not today');
    };
    await expect(
      trainTiny({ workDir, defaultHooks: { logger: { outDir } } }, { hooks: [{ beforeTrain }] }),
    ).rejects.toThrow('not today');
    expect(await copy('log.jsonl')).toContain('not today');
  });
});

describe('intervals', () => {
  it('are those of MMEngine, for a run that has 3 steps an epoch', () => {
    const plan = new TrainPlan({ maxEpochs: 4 }, 3);
    const due = (when: (place: Place) => boolean) =>
      Array.from({ length: plan.maxIterations }, (_, i) => i + 1).filter((iteration) =>
        when({
          plan,
          progress: {
            epoch: Math.floor(iteration / 3),
            iterationInEpoch: iteration % 3,
            iteration,
            evaluationDue: false,
          },
        }),
      );
    expect(due((place) => everyNIterations(place, 5))).toEqual([5, 10]);
    expect(due((place) => everyNIterations(place, 5, 2))).toEqual([7, 12]);
    expect(due((place) => everyNInnerIterations(place, 2))).toEqual([2, 5, 8, 11]);
    expect(due((place) => everyNInnerIterations(place, 3))).toEqual([3, 6, 9, 12]);
    expect(due(endOfEpoch)).toEqual([3, 6, 9, 12]);
    expect(due((place) => endOfEpoch(place) && everyNEpochs(place, 2))).toEqual([6, 12]);
    expect(due((place) => endOfEpoch(place) && everyNEpochs(place, 2, 1))).toEqual([9]);
    expect(due(isLastTrainEpoch)).toEqual([9, 10, 11]);
    expect(due(isLastTrainIteration)).toEqual([12]);
    expect(due((place) => everyNIterations(place, 0))).toEqual([]);
  });
});
