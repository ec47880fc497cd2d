import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OmmaError } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { type Config, listCheckpoints, Runner, type RunnerEvent } from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';

const temporary = () => mkdtemp(join(tmpdir(), 'omma-failures-'));

async function train(config: Config, options: Parameters<typeof Runner.create>[1] = {}) {
  const events: RunnerEvent[] = [];
  const runner = await Runner.create(config, { ...options, onEvent: (event) => events.push(event) });
  return { events, end: await runner.train() };
}

describe('a loss that is not finite', () => {
  it('ends the run with step, learning rate and the first module whose output is not finite', async () => {
    const config = tinyConfig(await temporary());
    const runner = await Runner.create({
      ...config,
      optimWrapper: { optimizer: { type: 'SGD', lr: 0.1 }, amp: 'float16' },
    });
    await runner.firstWeights();
    // Finite as they are, beyond what float16 holds.
    await runner.model.parameters()[0]?.upload(new Float32Array(36).fill(1e5));
    const failure = runner.train();
    await expect(failure).rejects.toThrow(OmmaError);
    await expect(failure).rejects.toThrow(
      /the loss is (NaN|Infinity) at iteration 1 \(epoch 1, learning rate 0\.1\); first at conv \(conv2d\); lower the learning rate/,
    );
  });

  it('names a parameter that is not finite itself', async () => {
    const runner = await Runner.create(tinyConfig(await temporary()));
    await runner.firstWeights();
    await runner.model.parameters()[0]?.upload(new Float32Array(36).fill(Number.NaN));
    await expect(runner.train()).rejects.toThrow(/first at conv\.weight \(the parameter itself\)/);
  });
});

describe('corrupt samples', () => {
  const withCorrupt = (config: Config, onCorrupt: 'skip' | 'stop'): Config => ({
    ...config,
    trainConfig: { maxEpochs: 1 },
    trainDataloader: { dataset: { type: 'Stripes', length: 34, corrupt: [3, 5] }, batchSize: 34, onCorrupt },
  });

  it('are counted and named at the end of the epoch', async () => {
    const { events } = await train(withCorrupt(tinyConfig(await temporary()), 'skip'));
    const epoch = events.find((event) => event.type === 'epoch');
    expect(epoch?.skipped.map(({ name }) => name).sort()).toEqual(['stripes/3.png', 'stripes/5.png']);
  });

  it('stop the run when the config says so', async () => {
    await expect(train(withCorrupt(tinyConfig(await temporary()), 'stop'))).rejects.toThrow(
      /stripes\/[35]\.png: truncated/,
    );
  });
});

describe('a checkpoint', () => {
  it('that does not fit the model is refused with the first names', async () => {
    const workDir = await temporary();
    const { end } = await train({ ...tinyConfig(workDir), trainConfig: { maxEpochs: 1 } });
    const wider: Config = {
      ...tinyConfig(workDir),
      model: { type: 'Tiny', channels: 5 },
      loadFrom: end.lastCheckpoint ?? '',
    };
    await expect(train(wider)).rejects.toThrow(
      /does not fit the model; shapes differ: .*conv\.weight: model float32\[5, 1, 3, 3\], file float32\[4, 1, 3, 3\].* and \d more; give the config/,
    );
    await expect(train({ ...wider, loadFrom: join(workDir, 'none') })).rejects.toThrow(
      /cannot be read \(ENOENT\)/,
    );
  });

  it('of other data or another seed is not resumed', async () => {
    const workDir = await temporary();
    const config = tinyConfig(workDir);
    await train({ ...config, trainConfig: { maxEpochs: 1 } });
    await expect(train({ ...config, randomness: { seed: 9 } }, { resume: true })).rejects.toThrow(
      /resume with --seed 1/,
    );
    const other: Config = {
      ...config,
      trainDataloader: { dataset: { type: 'Stripes', length: 16 }, batchSize: 8 },
    };
    await expect(train(other, { resume: true })).rejects.toThrow(
      /is at iteration 4 of epoch 2, which is not where/,
    );
    expect(await listCheckpoints(workDir)).toHaveLength(1);
  });

  it('can be evaluated alone', async () => {
    const config: Config = { ...tinyConfig(await temporary()), trainConfig: { maxEpochs: 2 } };
    const { end } = await train(config);
    const runner = await Runner.create(config);
    const evaluation = await runner.test(end.lastCheckpoint ?? '');
    expect(evaluation.metrics).toEqual(end.metrics);
    expect(evaluation.samples).toBe(18);
  });
});

describe('a config', () => {
  it('without what training needs is refused with its name', async () => {
    const { optimWrapper: _, ...rest } = tinyConfig(await temporary());
    await expect(train(rest)).rejects.toThrow(/train: the config has no optimWrapper; add it/);
  });

  it('whose best checkpoint goes by a metric that there is not ends the run after the first evaluation, with a checkpoint', async () => {
    const workDir = await temporary();
    const config: Config = { ...tinyConfig(workDir), defaultHooks: { checkpoint: { saveBest: 'hit' } } };
    await expect(train(config)).rejects.toThrow(
      /saveBest is hit, but the evaluation gives hits; did you mean hits\?; correct it and go on with --resume/,
    );
    const { end } = await train(tinyConfig(workDir), { resume: true });
    expect(end.reason).toBe('finished');
  });

  it('without a metric cannot be tested', async () => {
    const runner = await Runner.create({ ...tinyConfig(await temporary()), valEvaluator: [] });
    await expect(runner.test()).rejects.toThrow(/test: the config has no valEvaluator/);
  });

  it('with a work directory that cannot be made is refused', async () => {
    const file = join(await temporary(), 'file');
    await writeFile(file, '');
    await expect(train(tinyConfig(join(file, 'below')))).rejects.toThrow(
      /below: cannot create the work directory/,
    );
  });

  it.skipIf(process.platform !== 'linux')(
    'with a work directory in /proc, on which mkdir of Node itself never returns, is refused',
    async () => {
      await expect(train(tinyConfig('/proc/omma/below'))).rejects.toThrow(
        /cannot create the work directory \(ENOENT\)/,
      );
    },
  );

  it('with mixed precision trains too, with and without loss scaling', async () => {
    for (const amp of ['bfloat16', 'float16'] as const) {
      const config = tinyConfig(await temporary());
      const optimWrapper = { optimizer: { type: 'AdamW', lr: 0.02 } as const, amp, clipGrad: { maxNorm: 1 } };
      const { end, events } = await train({ ...config, optimWrapper, trainConfig: { maxEpochs: 8 } });
      expect(end.metrics.hits).toBeGreaterThan(0.9);
      expect(events.find((event) => event.type === 'iteration')?.scalars.gradNorm).toBeGreaterThan(0);
    }
  });
});
