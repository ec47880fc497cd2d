/** A schedule of a user's own is named in a config as those that come with Omma are. */

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkConfig, learningRates, type SchedulerConfig, schedulerFamilies } from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';

declare module '../src/index.ts' {
  interface SchedulerFamilies {
    Sawtooth: { readonly period: number };
  }
}

schedulerFamilies.register(
  'Sawtooth',
  z.strictObject({ period: z.number().positive() }),
  ({ period }) =>
    ({ scale }) =>
    (_, base, step) =>
      base * (1 - (step % (period * scale)) / (period * scale)),
);

function messageOf(schedule: object): string {
  try {
    checkConfig({ ...tinyConfig('work'), paramScheduler: [schedule] });
    return 'no mistake';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}

describe('a schedule family of a user', () => {
  const sawtooth: SchedulerConfig = { type: 'SawtoothLR', period: 2, begin: 1, byEpoch: false };

  it('moves the learning rate in its span', () => {
    const horizon = { maxIterations: 6, iterationsPerEpoch: 6 };
    expect([...learningRates(1, [sawtooth], horizon)]).toEqual([1, 1, 0.5, 1, 0.5, 1]);
  });

  it('is checked: its own options, those of every schedule, and the ones that there are not', () => {
    expect(messageOf(sawtooth)).toBe('no mistake');
    expect(messageOf({ ...sawtooth, type: 'SawtoothParamScheduler', paramName: 'momentum' })).toBe(
      'no mistake',
    );
    expect(messageOf({ ...sawtooth, period: -1 })).toMatch(
      /paramScheduler\[0\]\.period is -1: expected a number above 0/,
    );
    expect(messageOf({ ...sawtooth, perid: 2 })).toMatch(/perid is 2: unknown key; did you mean period\?/);
    expect(messageOf({ ...sawtooth, begin: 'x' })).toMatch(
      /paramScheduler\[0\]\.begin is "x": expected number/,
    );
  });
});
