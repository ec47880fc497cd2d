import { checkConfig } from '@omma/engine';
import { describe, expect, it } from 'vitest';
import { parseArguments, UsageError } from '../../src/bench/arguments.ts';
import { type Job, parseJob, titleOf } from '../../src/bench/job.ts';
import { buildNetwork } from '../../src/bench/network.ts';
import { configOf, parseRecipe, recipeFor } from '../../src/bench/recipe.ts';

const job: Job = {
  kind: 'train',
  model: 'resnet50',
  batch: 16,
  size: 224,
  dtype: 'float32',
  threads: 2,
  device: 'cpu',
};
const place = { data: '/data', threads: 2, device: 'cpu', workDir: '/tmp/work' };

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

  it.each([[['--threads', '0']], [['--threads', 'two']], [['--only', '(']], [['--pyton', 'x']], [['stray']]])(
    'refuses %j',
    (args) => {
      expect(() => parseArguments(args, '/')).toThrow(UsageError);
    },
  );
});

describe('jobs and recipes', () => {
  it('travel as JSON', () => {
    expect(parseJob(JSON.stringify(job))).toEqual(job);
    expect(() => parseJob(JSON.stringify({ ...job, model: 'vgg' }))).toThrow('no job');
    const recipe = recipeFor('flowers', place);
    expect(parseRecipe(JSON.stringify(recipe))).toEqual(recipe);
  });

  it('are named by what they do', () => {
    expect(titleOf(job)).toBe('ResNet-50 training step, batch 16, 224x224, float32');
  });

  it.each(['flowers', 'mnist'] as const)('make a valid config for %s', (name) => {
    expect(() => checkConfig(configOf(recipeFor(name, place)), 'recipe')).not.toThrow();
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
