import { describe, expect, it } from 'vitest';
import { learningRates, type SchedulerConfig } from '../src/index.ts';

const rates = (schedulers: readonly SchedulerConfig[], epochs = 4, iterationsPerEpoch = 5, base = 1) => [
  ...learningRates(base, schedulers, { epochs, iterationsPerEpoch }),
];

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, 10);
  });
}

describe('the learning rate', () => {
  it('is constant without a schedule', () => {
    expectClose(rates([], 1, 3, 0.1), [0.1, 0.1, 0.1]);
  });

  it('warms up linearly over iterations and stays', () => {
    const warmUp = { type: 'LinearLR', startFactor: 0.2, byEpoch: false, end: 5 } as const;
    expectClose(rates([warmUp], 1, 7), [0.2, 0.4, 0.6, 0.8, 1, 1, 1]);
  });

  it('steps by epoch', () => {
    expectClose(rates([{ type: 'StepLR', stepSize: 2, gamma: 0.5 }], 5, 1), [1, 1, 0.5, 0.5, 0.25]);
    expectClose(
      rates([{ type: 'MultiStepLR', milestones: [1, 3] }], 4, 2),
      [1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01],
    );
    expectClose(rates([{ type: 'ExponentialLR', gamma: 0.5 }], 3, 1), [1, 0.5, 0.25]);
  });

  it('follows a cosine by epoch, or by iteration when converted', () => {
    const cosine = (t: number, span: number) => (1 + Math.cos((Math.PI * t) / span)) / 2;
    expectClose(
      rates([{ type: 'CosineAnnealingLR' }], 4, 1),
      [0, 1, 2, 3].map((t) => cosine(t, 4)),
    );
    expectClose(
      rates([{ type: 'CosineAnnealingLR', convertToIterBased: true, etaMin: 0.1 }], 2, 3),
      [0, 1, 2, 3, 4, 5].map((t) => 0.1 + 0.9 * cosine(t, 6)),
    );
    expectClose(
      rates([{ type: 'CosineAnnealingLR', tMax: 2, etaMinRatio: 0.5, end: 3 }], 3, 1),
      [1, 0.75, 0.5],
    );
  });

  it('decays by a power', () => {
    expectClose(rates([{ type: 'PolyLR', power: 2 }], 4, 1), [1, 0.5625, 0.25, 0.0625]);
  });

  it('holds a constant factor until the end of its span', () => {
    expectClose(rates([{ type: 'ConstantLR', factor: 0.5, byEpoch: false, end: 3 }], 1, 4), [0.5, 0.5, 1, 1]);
  });

  it('chains a warm-up with a cosine that begins after it', () => {
    const chain: SchedulerConfig[] = [
      { type: 'LinearLR', startFactor: 0.5, byEpoch: false, end: 2 },
      { type: 'CosineAnnealingLR', byEpoch: false, begin: 2 },
    ];
    expectClose(rates(chain, 1, 6), [0.5, 1, 1, 0.8535533905932737, 0.5, 0.1464466094067262]);
  });

  it('multiplies schedules that overlap', () => {
    const overlap: SchedulerConfig[] = [
      { type: 'LinearLR', startFactor: 0.5, byEpoch: false, end: 3 },
      { type: 'MultiStepLR', milestones: [1], gamma: 0.1 },
    ];
    expectClose(rates(overlap, 2, 2), [0.5, 0.75, 0.1, 0.1]);
  });

  it('goes up and down once with OneCycle', () => {
    // PyTorch: max_lr 1, total_steps 10, pct_start 0.3: phases end at steps 2 and 9.
    const cycle = rates([{ type: 'OneCycleLR', etaMax: 1, byEpoch: false }], 1, 10);
    const down = (t: number) => 4e-6 + ((1 - 4e-6) * (1 + Math.cos((Math.PI * t) / 7))) / 2;
    expectClose(cycle, [0.04, 0.52, 1, ...[1, 2, 3, 4, 5, 6, 7].map(down)]);
  });

  it('begins at the peak when the way up has one step', () => {
    const [first, ...rest] = rates([{ type: 'OneCycleLR', etaMax: 1, pctStart: 0.1, byEpoch: false }], 1, 10);
    expect(first).toBe(1);
    expect(rest.every((rate) => rate > 0 && rate < 1)).toBe(true);
  });

  it('refuses a span that ends before it begins', () => {
    expect(() => rates([{ type: 'LinearLR', begin: 3, end: 2 }])).toThrow(
      /LinearLR must begin before it ends/,
    );
  });
});
