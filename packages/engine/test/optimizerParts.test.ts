/** Parts of a model with optimisers and schedules of their own. */

import { Conv2d, Sequential } from '@omma/nn';
import { describe, expect, it } from 'vitest';
import { type Config, parameterGroups, previewSchedule } from '../src/index.ts';
import { buildParts } from '../src/optim/parts.ts';
import { Tiny, tinyConfig } from './support/tiny.ts';
import { interruptedAndResumed, numbersOf, temporary, trainTiny } from './support/training.ts';

const sgd = { type: 'SGD', lr: 0.1, momentum: 0.9, weightDecay: 1e-4 } as const;

async function numbers(changes: Partial<Config>): Promise<Record<string, number[]>> {
  return numbersOf((await trainTiny(changes)).end.lastCheckpoint);
}

const split: Partial<Config> = {
  optimWrapper: {
    optimizer: sgd,
    optimizers: { fc: { type: 'AdamW', lr: 0.01 } },
    paramwiseConfig: { biasLrMult: 2 },
  },
  paramScheduler: [
    { type: 'ExponentialLR', gamma: 0.5 },
    { type: 'LinearLR', optimizer: 'fc', startFactor: 0.5, end: 2 },
    {
      type: 'ReduceOnPlateauLR',
      optimizer: 'fc',
      monitor: 'hits',
      rule: 'greater',
      patience: 0,
      threshold: 9,
    },
  ],
};

class Staged extends Tiny {
  readonly stage = new Sequential(new Conv2d(1, 1, 1));
}

describe('optimizers by part', () => {
  it('give what one optimiser gives where they are the same', async () => {
    const cosine = { type: 'CosineAnnealingLR', convertToIterBased: true } as const;
    const together = await numbers({ optimWrapper: { optimizer: sgd }, paramScheduler: [cosine] });
    const apart = await numbers({
      optimWrapper: { optimizer: sgd, optimizers: { fc: sgd, norm: sgd } },
      paramScheduler: [cosine, { ...cosine, optimizer: 'fc' }, { ...cosine, optimizer: 'norm' }],
    });
    const byName = (all: Record<string, number[]>) =>
      Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
    expect(byName(apart)).toEqual(byName(together));
  });

  it('have moments of their own kind, and none of the others', async () => {
    const names = Object.keys(await numbers(split)).filter((name) => name.startsWith('optimizer.'));
    expect(names.sort()).toEqual([
      'optimizer.conv.weight.momentum',
      'optimizer.fc.bias.mean',
      'optimizer.fc.bias.variance',
      'optimizer.fc.correction1',
      'optimizer.fc.correction2',
      'optimizer.fc.weight.mean',
      'optimizer.fc.weight.variance',
      'optimizer.norm.bias.momentum',
      'optimizer.norm.weight.momentum',
    ]);
  });

  it('have schedules of their own, multipliers and plateaus too', async () => {
    const config: Config = { ...tinyConfig(await temporary()), ...split };
    const { curves, watches } = previewSchedule(config, 1);
    expect(watches).toBe(true);
    expect(Object.fromEntries(curves.map(({ name, values }) => [name, [...values]]))).toEqual({
      lr: [0.1, 0.05, 0.025],
      'fc.lr': [0.005, 0.01, 0.01],
      'fc.lr.1': [0.01, 0.02, 0.02],
    });
    expect(parameterGroups(config).map(({ name, lr, weightDecay }) => [name, lr, weightDecay])).toEqual([
      ['conv.weight', 0.1, 1e-4],
      ['norm.weight', 0.1, 1e-4],
      ['norm.bias', 0.1, 1e-4],
      ['fc.weight', 0.01, 0.01],
      ['fc.bias', 0.02, 0.01],
    ]);
  });

  it('end with the same bits when the run was interrupted and resumed', async () => {
    const changes: Partial<Config> = { ...split, trainConfig: { maxEpochs: 4 } };
    const { end } = await interruptedAndResumed(changes, 9);
    expect(await numbersOf(end.lastCheckpoint)).toEqual(await numbers(changes));
  });

  it.each([
    [
      'has no parameters',
      ['drop'],
      'drop has no parameters, so its optimizer would move nothing; take the entry out',
    ],
    [
      'is frozen',
      ['fc'],
      'fc has 2 parameters, all frozen, so its optimizer would move nothing; take the entry out, or unfreeze the module',
    ],
    [
      'leaves all to other entries',
      ['stage', 'stage.0'],
      'stage has no parameters but those of other entries, so its optimizer would move nothing; take the entry out',
    ],
  ])('are refused for a module that %s', (_, paths, message) => {
    const model = new Staged(1);
    model.fc.freeze();
    const entries = Object.fromEntries(paths.map((path) => [path, sgd]));
    expect(() => buildParts(model, entries, () => ({}), 1)).toThrow(`optimWrapper.optimizers: ${message}`);
  });

  it('are refused for a module or a schedule that has none', async () => {
    const wrapper = { optimizer: sgd, optimizers: { fcc: sgd } };
    await expect(trainTiny({ optimWrapper: wrapper })).rejects.toThrow(
      /optimWrapper\.optimizers: the model has no module fcc; did you mean fc\?/,
    );
    const paramScheduler = [{ type: 'ExponentialLR', gamma: 0.5, optimizer: 'fc' }] as const;
    await expect(trainTiny({ optimWrapper: { optimizer: sgd }, paramScheduler })).rejects.toThrow(
      /paramScheduler: ExponentialLR is for the optimizer of fc, but optimWrapper\.optimizers has none/,
    );
  });
});
