/** Schedules: the numbers of MMEngine for every family and for what they are composed of; what a resumed run has; what is refused. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  learningRates,
  ParamSchedule,
  type ScheduledValue,
  type SchedulerConfig,
  schedulerSchema,
} from '../src/index.ts';

const column = z.union([z.number(), z.array(z.number())]);
const goldenSchema = z.object({
  cases: z.array(
    z.object({
      title: z.string(),
      schedulers: z.array(schedulerSchema),
      epochs: z.int(),
      iterationsPerEpoch: z.int(),
      lr: z.number(),
      lrMults: z.array(z.number()),
      momentum: z.number(),
      weightDecay: z.number(),
      decayMults: z.array(z.number()),
      metrics: z.array(z.number()).exactOptional(),
      /** A column a group; a number is one that does not move. */
      lrs: z.array(column),
      momenta: column,
      weightDecays: z.array(column),
    }),
  ),
});

const file = new URL('../../../test/fixtures/golden/schedules.json', import.meta.url);
const golden = goldenSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
type Case = (typeof golden.cases)[number];

function valuesOf({ lr, lrMults, momentum, weightDecay, decayMults }: Case): ScheduledValue[] {
  return [
    ...lrMults.map((mult, i) => ({ name: `lr${i}`, param: 'lr', initial: lr * mult }) as const),
    { name: 'momentum', param: 'momentum', initial: momentum },
    ...decayMults.map(
      (mult, i) => ({ name: `decay${i}`, param: 'weightDecay', initial: weightDecay * mult }) as const,
    ),
  ];
}

/** The values at every iteration of a run that is stopped after every epoch and goes on from what a checkpoint keeps. */
function run(entry: Case): Record<string, number>[] {
  const { schedulers, epochs, iterationsPerEpoch, metrics } = entry;
  const horizon = { maxIterations: epochs * iterationsPerEpoch, iterationsPerEpoch };
  const made = () => new ParamSchedule(valuesOf(entry), schedulers, horizon);
  let schedule = made();
  return Array.from({ length: epochs }, (_, epoch) => {
    const kept = schedule.plateaus();
    schedule = made();
    schedule.restore(kept);
    const rows = Array.from({ length: iterationsPerEpoch }, (_, i) => ({
      ...schedule.at(epoch * iterationsPerEpoch + i),
    }));
    const metric = metrics?.[epoch];
    if (metric !== undefined) expect(schedule.observe(epoch + 1, { loss: metric })).toBeNull();
    return rows;
  }).flat();
}

describe('the numbers of MMEngine', () => {
  it.each(golden.cases.map((one) => [one.title, one] as const))('%s', (_, one) => {
    const rows = run(one);
    const columns = [
      ...one.lrs.map((values, i) => [`lr${i}`, values] as const),
      ['momentum', one.momenta] as const,
      ...one.weightDecays.map((values, i) => [`decay${i}`, values] as const),
    ];
    const wrong = columns.flatMap(([name, values]) =>
      rows.flatMap((row, i) => {
        const expected = typeof values === 'number' ? values : values[i];
        const off = Math.abs((row[name] ?? Number.NaN) - (expected ?? Number.NaN));
        // A few hundred roundings of float64, and the 13 digits of the file.
        return off < 2e-13 ? [] : [`${name} at iteration ${i}: ${row[name]} for ${expected}`];
      }),
    );
    expect(wrong).toEqual([]);
  });
});

const rates = (schedulers: readonly SchedulerConfig[], epochs = 4, iterationsPerEpoch = 5, base = 1) => [
  ...learningRates(base, schedulers, { maxIterations: epochs * iterationsPerEpoch, iterationsPerEpoch }),
];

describe('a schedule', () => {
  it('leaves the learning rate as it is when there is none', () => {
    expect(rates([], 1, 3, 0.1)).toEqual([0.1, 0.1, 0.1]);
  });

  it('is the same at an iteration however one gets there', () => {
    const schedulers: SchedulerConfig[] = [
      { type: 'LinearLR', startFactor: 0.1, end: 7, byEpoch: false },
      { type: 'CosineAnnealingLR', etaMin: 0.01, convertToIterBased: true },
    ];
    const [value] = [{ name: 'lr', param: 'lr', initial: 1 }] as const;
    const horizon = { maxIterations: 20, iterationsPerEpoch: 5 };
    const forward = new ParamSchedule([value], schedulers, horizon);
    const values = Array.from({ length: 20 }, (_, i) => forward.at(i).lr);
    const backward = new ParamSchedule([value], schedulers, horizon);
    for (let i = 19; i >= 0; i--) expect(backward.at(i).lr).toBe(values[i]);
  });

  it('begins at the peak when the way up has one step', () => {
    const [first, ...rest] = rates([{ type: 'OneCycleLR', etaMax: 1, pctStart: 0.1, byEpoch: false }], 1, 10);
    expect(first).toBe(1);
    expect(rest.every((rate) => rate > 0 && rate < 1)).toBe(true);
  });

  it('takes the iteration next to a milestone that falls between two', () => {
    const halfway: SchedulerConfig = { type: 'MultiStepLR', milestones: [1.5], convertToIterBased: true };
    expect(rates([halfway], 2, 5).indexOf(0.1)).toBe(8);
  });

  it('is refused when it ends before it begins, or cannot be as long as it acts', () => {
    expect(() => rates([{ type: 'LinearLR', begin: 3, end: 2 }])).toThrow(
      /LinearLR must begin before it ends/,
    );
    expect(() => rates([{ type: 'OneCycleLR', etaMax: 1, totalSteps: 2 }])).toThrow(
      /OneCycleLR has totalSteps 2 but acts for 4; raise it, or set end/,
    );
    expect(() => rates([{ type: 'CosineRestartLR', periods: [2, 2], restartWeights: [1] }])).toThrow(
      /a restart weight for each of its 2 periods but has 1/,
    );
  });

  it('says when an evaluation does not give what it watches', () => {
    const schedule = new ParamSchedule(
      [{ name: 'lr', param: 'lr', initial: 1 }],
      [{ type: 'ReduceOnPlateauLR', monitor: 'acuracy/top1', rule: 'greater' }],
      { maxIterations: 4, iterationsPerEpoch: 2 },
    );
    expect(schedule.observe(1, { 'accuracy/top1': 50 })).toBe(
      'paramScheduler: ReduceOnPlateauLR monitors acuracy/top1, but the evaluation gives accuracy/top1; did you mean accuracy/top1?',
    );
  });
});
