import { describe, expect, it } from 'vitest';
import { nearest } from '../src/config/nearest.ts';

describe('the nearest name', () => {
  const schedules = [
    'LinearLR',
    'CosineAnnealingLR',
    'CosineRestartLR',
    'OneCycleLR',
    'StepMomentum',
    'OneCycleParamScheduler',
  ];

  it.each([
    ['trainDataloder', ['model', 'trainDataloader', 'valDataloader'], 'trainDataloader'],
    ['Subset', ['ClassBalancedDataset', 'ConcatDataset', 'SubsetDataset'], 'SubsetDataset'],
    ['CosineLR', schedules, 'CosineAnnealingLR'],
    ['OneCycleMomentum', schedules, 'OneCycleLR'],
    ['maxKeepCkpts', ['interval', 'maxKeep', 'saveBest'], 'maxKeep'],
    ['max_keep_ckpts', ['interval', 'maxKeep', 'saveBest'], 'maxKeep'],
    [
      'SWA',
      ['ExpMomentumEMA', 'ExponentialMovingAverage', 'StochasticWeightAverage'],
      'StochasticWeightAverage',
    ],
  ])('of %s is found by spelling, words or initials', (name, names, expected) => {
    expect(nearest(name, names)).toBe(expected);
  });

  it('is none where nothing is alike', () => {
    expect(nearest('foo', ['maxNorm', 'normType', 'type'])).toBeNull();
    expect(nearest('SWA', ['EMA', 'SGD'])).toBeNull();
  });
});
