import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '@omma/engine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseArguments } from '../../src/bench/arguments.ts';
import { type Job, parseJob, titleOf } from '../../src/bench/job.ts';
import { buildNetwork } from '../../src/bench/network.ts';
import { recipeOf, trainArguments } from '../../src/bench/recipe.ts';

const job: Job = {
  kind: 'train',
  model: 'resnet50',
  batch: 16,
  size: 224,
  dtype: 'float32',
  threads: 2,
  device: 'cpu',
};

describe('the command line', () => {
  it('takes several Pythons', () => {
    const { pythons } = parseArguments(
      ['--python', '/usr/bin/python3', '--python', '/opt/python'],
      '/repository',
    );
    expect(pythons).toEqual(['/usr/bin/python3', '/opt/python']);
  });

  it('has defaults for everything', () => {
    const chosen = parseArguments([], '/repository');
    expect(chosen).toMatchObject({
      pythons: [],
      json: false,
      only: null,
      quick: false,
      long: false,
      device: 'cpu',
    });
    expect(chosen.data).toBe('/repository/shared/data');
    expect(chosen.threads).toBeGreaterThan(0);
  });

  it('finds names in any case', () => {
    expect(
      parseArguments(['--only', 'resnet-50 .*inference'], '/').only?.test(titleOf({ ...job, kind: 'infer' })),
    ).toBe(true);
  });

  it.each<[string[], RegExp]>([
    [['--threads', '0'], /^--threads: expected a whole number of at least 1 but found "0"$/],
    [['--threads', 'two'], /^--threads: expected a whole number/],
    [['--only', '('], /no regular expression/],
    [['--pyton', 'x'], /Unknown option '--pyton'/],
    [['stray'], /Unexpected argument 'stray'/],
  ])('refuses %j', (args, message) => {
    expect(() => parseArguments(args, '/')).toThrow(message);
  });
});

describe('jobs', () => {
  it('travel as JSON', () => {
    for (const one of [job, { ...job, recompute: true }]) expect(parseJob(JSON.stringify(one))).toEqual(one);
    expect(() => parseJob(JSON.stringify({ ...job, model: 'vgg' }))).toThrow('no job');
  });

  it('are named by what they do', () => {
    expect(titleOf(job)).toBe('ResNet-50 training step, batch 16, 224x224, float32');
    expect(titleOf({ ...job, recompute: true })).toMatch(/float32, blocks recomputed$/);
  });
});

describe('a recipe', () => {
  const config = fileURLToPath(new URL('../../../configs/resnet18_flowers.ts', import.meta.url));
  let data = '';

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'omma-recipe-'));
    for (const split of ['train', 'val']) {
      const folder = join(data, split, 'daisy');
      await mkdir(folder, { recursive: true });
      for (let i = 0; i < 70; i++) await writeFile(join(folder, `${i}.jpg`), '');
    }
  });

  afterEach(() => rm(data, { recursive: true }));

  it('says what the config says, with the learning rate of every step', async () => {
    const recipe = await recipeOf('flowers', config, data, 2);
    const { optimWrapper, trainConfig, trainDataloader } = await loadConfig(config);
    expect(recipe).toMatchObject({
      data,
      threads: 2,
      epochs: trainConfig?.maxEpochs,
      batch: trainDataloader?.batchSize,
      training: [{ type: 'RandomResizedCrop' }, { type: 'RandomFlip' }],
      validation: [{ type: 'Resize' }, { type: 'CenterCrop' }],
      labelSmoothing: 0.1,
    });
    expect(optimWrapper?.optimizer).toMatchObject({
      momentum: recipe.momentum,
      weightDecay: recipe.weightDecay,
    });
    expect(recipe.learningRates).toHaveLength(Math.floor(70 / recipe.batch) * recipe.epochs);
  });

  it('is trained by omma with one validation at the end', async () => {
    const args = trainArguments(config, await recipeOf('flowers', config, data, 2), 'cpu', '/tmp/work');
    expect(args.slice(0, 3)).toEqual(['train', config, '--json']);
    expect(args).toContain('trainConfig.valInterval=10');
  });
});

describe('the networks', () => {
  it.each([
    ['resnet18', 11_689_512],
    ['resnet50', 25_557_032],
    ['mobilenet_v2', 3_504_872],
  ] as const)("%s has as many parameters as torchvision's", (name, count) => {
    const sizes = buildNetwork(name)
      .parameters()
      .map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(count);
  });
});
