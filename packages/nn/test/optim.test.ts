/** What all optimisers have in common, and gradient clipping. Their numbers are those of PyTorch: see test/optimizers.test.ts. */

import { compile, hostTensor, type Tensor } from '@omma/core';
import { describe, expect, it } from 'vitest';
import {
  Adafactor,
  Adagrad,
  Adam,
  AdamW,
  clipGradNorm,
  clipGradValue,
  DAdaptAdaGrad,
  DAdaptAdam,
  DAdaptSGD,
  gradNorm,
  NAdam,
  type Optimizer,
  Parameter,
  type ParameterOptions,
  RAdam,
  Rprop,
  SGD,
  type StepOptions,
} from '../src/index.ts';

/** Gradients of five steps for one parameter of two numbers. */
const gradients = [
  [0.5, -1],
  [0.25, 2],
  [-0.75, 0.125],
  [1, 1],
  [-2, 0.5],
];
const lr = 0.1;

const scalar = (value: number) => hostTensor([], 'float32', Float32Array.of(value));

interface Run {
  /** The steps to take; all unless given. */
  readonly steps?: readonly number[];
  /** Steps that are run and not applied. */
  readonly skipped?: readonly number[];
  readonly options?: (lr: Tensor) => StepOptions;
}

/** The parameter after the steps. */
async function run(
  optimizer: Optimizer,
  { steps = gradients.map((_, i) => i), skipped = [], options }: Run = {},
): Promise<number[]> {
  const parameter = new Parameter([2]);
  parameter.name = 'weight';
  await parameter.upload(Float32Array.of(1, -2));
  const step = compile(
    ({ gradient, rate, apply }) => {
      if (gradient === undefined || rate === undefined || apply === undefined) return {};
      const more = options?.(rate) ?? {};
      optimizer.step([['weight', parameter]], [gradient], rate, { apply: apply.greater(0), ...more });
      return {};
    },
    { device: 'reference' },
  );
  for (const i of steps) {
    await step({
      gradient: hostTensor([2], 'float32', Float32Array.from(gradients[i] ?? [])),
      rate: scalar(lr),
      apply: scalar(skipped.includes(i) ? 0 : 1),
    });
  }
  return [...(await parameter.download()).data];
}

describe('any optimiser', () => {
  const kinds: readonly (readonly [string, () => Optimizer])[] = [
    ['SGD', () => new SGD({ momentum: 0.9, dampening: 0.2, weightDecay: 0.01 })],
    ['Adam', () => new Adam({ amsgrad: true })],
    ['Adagrad', () => new Adagrad({ lrDecay: 0.1, initialAccumulatorValue: 0.1 })],
    ['NAdam', () => new NAdam()],
    ['RAdam', () => new RAdam({ betas: [0.9, 0.9] })],
    ['Rprop', () => new Rprop()],
    ['Adafactor', () => new Adafactor({ beta1: 0.9, relativeStep: true })],
    ['DAdaptAdam', () => new DAdaptAdam({ d0: 0.1, useBiasCorrection: true })],
    ['DAdaptSGD', () => new DAdaptSGD({ d0: 0.1, momentum: 0.5 })],
    ['DAdaptAdaGrad', () => new DAdaptAdaGrad({ d0: 0.1 })],
  ];

  it.each(kinds)(
    '%s leaves a step out, moments and counters and all, when it is not to be applied',
    async (_, make) => {
      const without = await run(make(), { steps: [1, 2, 3] });
      expect(await run(make(), { skipped: [0, 4] })).toEqual(without);
    },
  );

  it('has its own learning rate and decay for a parameter that a rule names', async () => {
    const rule = (name: string): ParameterOptions => (name === 'weight' ? { lrMult: 0.5, decayMult: 0 } : {});
    const plain = await run(new SGD({ weightDecay: 0.01 }, rule));
    const sum = (i: number) => gradients.reduce((total, gradient) => total + (gradient[i] ?? 0), 0);
    expect(plain[0]).toBeCloseTo(1 - 0.05 * sum(0), 6);
    expect(plain[1]).toBeCloseTo(-2 - 0.05 * sum(1), 6);
  });

  it('takes learning rate, decay and momentum of a step from what a schedule says, multipliers and all', async () => {
    const rule = () => ({ lrMult: 0.5, decayMult: 3 });
    const scheduled = await run(new SGD({ momentum: 0.5, weightDecay: 1 }, rule), {
      options: (rate) => ({
        momentum: rate.mul(9),
        scheduled: () => ({ lr: rate.mul(2), weightDecay: rate.mul(0.1) }),
      }),
    });
    const fixed = await run(new SGD({ momentum: 0.9, weightDecay: 0.01 }, () => ({ lrMult: 2 })));
    scheduled.forEach((value, i) => {
      expect(value).toBeCloseTo(fixed[i] ?? Number.NaN, 5);
    });
    await expect(run(new Adagrad(), { options: (momentum) => ({ momentum }) })).rejects.toThrow(
      /Adagrad: has no momentum that a schedule could move/,
    );
  });

  it('keeps its moments under the names of the parameters', () => {
    const optimizer = new AdamW({ amsgrad: true });
    optimizer.prepare([['fc.weight', new Parameter([2])]]);
    expect(optimizer.variables().map(({ name }) => name)).toEqual([
      'optimizer.correction1',
      'optimizer.correction2',
      'optimizer.fc.weight.mean',
      'optimizer.fc.weight.variance',
      'optimizer.fc.weight.largest',
    ]);
  });

  it('keeps means over rows and columns for a matrix, and whole moments for what is none', () => {
    const optimizer = new Adafactor();
    optimizer.prepare([
      ['conv.weight', new Parameter([8, 4, 3, 5])],
      ['conv.bias', new Parameter([8])],
    ]);
    expect(optimizer.variables().map(({ name, shape }) => `${name} ${shape.join('x')}`)).toEqual([
      'optimizer.steps ',
      'optimizer.conv.weight.rows 8x4x3',
      'optimizer.conv.weight.columns 8x4x5',
      'optimizer.conv.bias.variance 8',
    ]);
  });

  it('refuses options that mean nothing', () => {
    expect(() => new Adafactor({ warmupInit: true })).toThrow(/Adafactor: warmupInit needs relativeStep/);
    expect(() => new SGD({ nesterov: true })).toThrow(/SGD: nesterov needs momentum above 0/);
    expect(() => new Rprop({ etas: [1.5, 1.2] })).toThrow(/Rprop: etas must be below and above 1/);
  });
});

describe('gradient clipping', () => {
  /** The results of `body` for the gradients [3 * scale, -1] and [4 * scale]. */
  async function clipped(scale: number, body: (gradients: Tensor[]) => Record<string, Tensor>) {
    const clip = compile(({ a, b }) => (a === undefined || b === undefined ? {} : body([a, b])), {
      device: 'reference',
    });
    const results = await clip({
      a: hostTensor([2], 'float32', Float32Array.of(3 * scale, 0)),
      b: hostTensor([1], 'float32', Float32Array.of(-4 * scale)),
    });
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...data]]));
  }

  const byNorm = (maxNorm: number, type?: number) => (all: Tensor[]) => {
    const { gradients: [a, b] = [], norm } = clipGradNorm(all, maxNorm, type);
    return a === undefined || b === undefined ? {} : { a, b, norm };
  };

  it('scales all gradients when their common norm is above the limit, and only then', async () => {
    const { a, b, norm } = await clipped(1, byNorm(2.5));
    expect(norm?.[0]).toBeCloseTo(5, 6);
    expect(a?.[0]).toBeCloseTo(1.5, 5);
    expect(b?.[0]).toBeCloseTo(-2, 5);
    expect((await clipped(0.1, byNorm(2.5))).a?.[0]).toBeCloseTo(0.3, 6);
  });

  it('knows other norms', async () => {
    const norms = await clipped(1, (all) => ({
      one: gradNorm(all, 1),
      three: gradNorm(all, 3),
      largest: gradNorm(all, Number.POSITIVE_INFINITY),
    }));
    expect(norms.one?.[0]).toBeCloseTo(7, 6);
    expect(norms.three?.[0]).toBeCloseTo(91 ** (1 / 3), 6);
    expect(norms.largest?.[0]).toBe(4);
    expect((await clipped(1, byNorm(2, Number.POSITIVE_INFINITY))).a?.[0]).toBeCloseTo(1.5, 5);
  });

  it('brings every element between two limits', async () => {
    const values = await clipped(1, (all) => {
      const [a, b] = clipGradValue(all, 3.5);
      return a === undefined || b === undefined ? {} : { a, b };
    });
    expect(values).toEqual({ a: [3, 0], b: [-3.5] });
  });
});
