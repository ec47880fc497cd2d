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

/** MMCV 1.x's updaters in closed form, at a position of 20, and the list that gives the same here. */
describe('the updaters of MMCV 1.x', () => {
  const length = 20;
  const cos = (from: number, to: number, share: number) =>
    to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
  const updaters: readonly (readonly [string, (i: number) => number, readonly SchedulerConfig[]])[] = [
    ['fixed', () => 1, []],
    [
      'step',
      (i) => 0.1 ** [8, 15].filter((milestone) => milestone <= i).length,
      [{ type: 'MultiStepLR', milestones: [8, 15] }],
    ],
    ['exp', (i) => 0.9 ** i, [{ type: 'ExponentialLR', gamma: 0.9 }]],
    [
      'poly',
      (i) => (1 - 0.01) * (1 - i / length) ** 0.9 + 0.01,
      [{ type: 'PolyLR', power: 0.9, etaMin: 0.01, end: length + 1 }],
    ],
    ['inv', (i) => (1 + 0.3 * i) ** -0.75, [{ type: 'InvLR', gamma: 0.3, power: 0.75 }]],
    ['cosine', (i) => cos(1, 0.02, i / length), [{ type: 'CosineAnnealingLR', etaMinRatio: 0.02 }]],
    [
      'flat and cosine',
      (i) => (i < 15 ? 1 : cos(1, 0.02, (i - 15) / 5)),
      [{ type: 'CosineAnnealingLR', begin: 15, etaMinRatio: 0.02 }],
    ],
    [
      'cosine with restarts',
      (i) => (i < 5 ? cos(1, 0.1, i / 5) : cos(0.5, 0.1, (i - 5) / 15)),
      [{ type: 'CosineRestartLR', periods: [5, 15], restartWeights: [1, 0.5], etaMin: 0.1 }],
    ],
    [
      'cyclic',
      (i) => (i < 8 ? cos(1, 10, i / 8) : cos(10, 1e-4, (i - 8) / 12)),
      [
        { type: 'CosineAnnealingLR', etaMinRatio: 10, tMax: 8, end: 9 },
        { type: 'CosineAnnealingLR', etaMinRatio: 1e-4, tMax: 12, begin: 8 },
      ],
    ],
    ['a constant warm-up', (i) => (i < 5 ? 0.1 : 1), [{ type: 'ConstantLR', factor: 0.1, end: 6 }]],
    [
      'a linear warm-up',
      (i) => Math.min(1, 0.1 + (0.9 * i) / 5),
      [{ type: 'LinearLR', startFactor: 0.1, end: 6 }],
    ],
    [
      'an exponential warm-up',
      (i) => 0.1 ** Math.max(0, 1 - i / 5),
      [{ type: 'ExponentialLR', startFactor: 0.1, gamma: 10 ** (1 / 5), end: 6 }],
    ],
  ];

  it.each(updaters)('%s', (_, formula, schedulers) => {
    for (const byEpoch of [true, false]) {
      const configs = schedulers.map((config) => ({ ...config, byEpoch }));
      const found = byEpoch ? rates(configs, length, 1) : rates(configs, 1, length);
      found.forEach((value, i) => {
        expect(value).toBeCloseTo(formula(i), 12);
      });
    }
  });

  it('InvLR counts in epochs where it moves by iterations', () => {
    const found = rates([{ type: 'InvLR', gamma: 0.5, convertToIterBased: true }], 4, 5);
    found.forEach((value, i) => {
      expect(value).toBeCloseTo(1 / (1 + (0.5 * i) / 5), 12);
    });
  });
});

it('a 1cycle of momentum or weight decay is that of a learning rate', () => {
  const horizon = { maxIterations: 10, iterationsPerEpoch: 1 };
  const curve = (param: 'lr' | 'momentum' | 'weightDecay') => {
    const schedule = new ParamSchedule(
      [{ name: 'x', param, initial: 0.3 }],
      [{ type: 'OneCycleParamScheduler', paramName: param, etaMax: 0.95, divFactor: 2 }],
      horizon,
    );
    return Array.from({ length: 10 }, (_, i) => schedule.at(i).x);
  };
  expect(curve('momentum')).toEqual(curve('lr'));
  expect(curve('weightDecay')).toEqual(curve('lr'));
  expect(Math.max(...curve('lr').map(Number))).toBe(0.95);
});
