import { compile, hostTensor } from '@omma/core';
import { describe, expect, it } from 'vitest';
import {
  Adam,
  AdamW,
  clipGradNorm,
  type Optimizer,
  Parameter,
  type ParameterOptions,
  RMSprop,
  SGD,
} from '../src/index.ts';

/** Gradients of five steps for one parameter of two numbers. */
const gradients = [
  [0.5, -1],
  [0.25, 2],
  [-0.75, 0.125],
  [1, 1],
  [-2, 0.5],
];
const start = [1, -2];
const lr = 0.1;

/** Runs the optimiser in the graph. */
async function run(
  optimizer: Optimizer,
  options: { apply?: (step: number) => boolean } = {},
): Promise<number[]> {
  const parameter = new Parameter([2]);
  parameter.name = 'weight';
  await parameter.upload(Float32Array.from(start));
  const step = compile(
    ({ gradient, rate, apply }) => {
      if (gradient === undefined || rate === undefined) return {};
      optimizer.step(
        [['weight', parameter]],
        [gradient],
        rate,
        apply === undefined ? {} : { apply: apply.greater(0) },
      );
      return { rate };
    },
    { device: 'reference' },
  );
  for (const [i, gradient] of gradients.entries()) {
    await step({
      gradient: hostTensor([2], 'float32', Float32Array.from(gradient)),
      rate: hostTensor([], 'float32', Float32Array.of(lr)),
      ...(options.apply === undefined
        ? {}
        : { apply: hostTensor([], 'float32', Float32Array.of(options.apply(i) ? 1 : 0)) }),
    });
  }
  return [...(await parameter.download()).data];
}

/** The same with PyTorch's formulae on plain numbers, element by element. `update` returns the new value. */
function byHand(
  update: (value: number, gradient: number, step: number, memory: Record<string, number>) => number,
): number[] {
  return start.map((initial, element) => {
    const memory: Record<string, number> = {};
    return gradients.reduce(
      (value, gradient, i) => update(value, gradient[element] ?? 0, i + 1, memory),
      initial,
    );
  });
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, 5);
  });
}

describe('SGD', () => {
  it('is plain descent with L2 decay', async () => {
    expectClose(
      await run(new SGD({ weightDecay: 0.01 })),
      byHand((p, g) => p - lr * (g + 0.01 * p)),
    );
  });

  it('starts its momentum from the first gradient', async () => {
    const expected = byHand((p, g, step, m) => {
      m.b = step === 1 ? g : 0.9 * (m.b ?? 0) + g;
      return p - lr * m.b;
    });
    expectClose(await run(new SGD({ momentum: 0.9 })), expected);
  });

  it('dampens every gradient but the first', async () => {
    const expected = byHand((p, g, step, m) => {
      m.b = step === 1 ? g : 0.9 * (m.b ?? 0) + 0.7 * g;
      return p - lr * m.b;
    });
    expectClose(await run(new SGD({ momentum: 0.9, dampening: 0.3 })), expected);
  });

  it('looks ahead with Nesterov', async () => {
    const expected = byHand((p, g, step, m) => {
      m.b = step === 1 ? g : 0.9 * (m.b ?? 0) + g;
      return p - lr * (g + 0.9 * m.b);
    });
    expectClose(await run(new SGD({ momentum: 0.9, nesterov: true })), expected);
    expect(() => new SGD({ nesterov: true })).toThrow(/nesterov needs momentum above 0/);
  });
});

const adam = (p: number, g: number, step: number, m: Record<string, number>): number => {
  m.m = 0.9 * (m.m ?? 0) + 0.1 * g;
  m.v = 0.999 * (m.v ?? 0) + 0.001 * g * g;
  const denominator = Math.sqrt(m.v) / Math.sqrt(1 - 0.999 ** step) + 1e-8;
  return p - ((lr / (1 - 0.9 ** step)) * m.m) / denominator;
};

describe('Adam', () => {
  it('corrects both moments for their start at zero', async () => {
    expectClose(await run(new Adam()), byHand(adam));
  });

  it('adds its decay to the gradient, AdamW shrinks the parameter instead', async () => {
    expectClose(
      await run(new Adam({ weightDecay: 0.1 })),
      byHand((p, g, step, m) => adam(p, g + 0.1 * p, step, m)),
    );
    expectClose(
      await run(new AdamW({ weightDecay: 0.1 })),
      byHand((p, g, step, m) => adam(p * (1 - lr * 0.1), g, step, m)),
    );
  });
});

describe('RMSprop', () => {
  it('divides by the root of the mean square', async () => {
    const expected = byHand((p, g, _, m) => {
      m.s = 0.99 * (m.s ?? 0) + 0.01 * g * g;
      return p - (lr * g) / (Math.sqrt(m.s) + 1e-8);
    });
    expectClose(await run(new RMSprop()), expected);
  });

  it('can be centred and have momentum', async () => {
    const expected = byHand((p, g, _, m) => {
      m.s = 0.9 * (m.s ?? 0) + 0.1 * g * g;
      m.a = 0.9 * (m.a ?? 0) + 0.1 * g;
      m.b = 0.5 * (m.b ?? 0) + g / (Math.sqrt(m.s - m.a ** 2) + 1e-8);
      return p - lr * m.b;
    });
    expectClose(await run(new RMSprop({ alpha: 0.9, centered: true, momentum: 0.5 })), expected);
  });
});

describe('any optimiser', () => {
  it('has its own learning rate and decay for a parameter that a rule names', async () => {
    const rule = (name: string): ParameterOptions => (name === 'weight' ? { lrMult: 0.5, decayMult: 0 } : {});
    expectClose(
      await run(new SGD({ weightDecay: 0.01 }, rule)),
      byHand((p, g) => p - 0.5 * lr * g),
    );
  });

  it('leaves a step out, moments and all, when it is told not to apply it', async () => {
    const expected = byHand((p, g, step, m) => {
      if (step === 2) return p;
      m.b = 0.9 * (m.b ?? 0) + g;
      return p - lr * m.b;
    });
    expectClose(await run(new SGD({ momentum: 0.9 }), { apply: (i) => i !== 1 }), expected);
  });

  it('keeps its moments under the names of the parameters', () => {
    const optimizer = new Adam();
    optimizer.prepare([['fc.weight', new Parameter([2])]]);
    expect(optimizer.variables().map(({ name }) => name)).toEqual([
      'optimizer.correction1',
      'optimizer.correction2',
      'optimizer.fc.weight.mean',
      'optimizer.fc.weight.variance',
    ]);
  });
});

describe('clipGradNorm', () => {
  it('scales all gradients when their common norm is above the limit, and only then', async () => {
    const clip = compile(
      ({ a, b, limit }) => {
        if (a === undefined || b === undefined || limit === undefined) return {};
        const { gradients: [clippedA = a] = [], norm } = clipGradNorm([a, b], 2.5);
        return { clippedA, norm };
      },
      { device: 'reference' },
    );
    const inputs = (scale: number) => ({
      a: hostTensor([1], 'float32', Float32Array.of(3 * scale)),
      b: hostTensor([1], 'float32', Float32Array.of(4 * scale)),
      limit: hostTensor([], 'float32', Float32Array.of(0)),
    });
    const clipped = await clip(inputs(1));
    expect(clipped.norm?.data[0]).toBeCloseTo(5);
    expect(clipped.clippedA?.data[0]).toBeCloseTo(1.5, 5);
    expect((await clip(inputs(0.1))).clippedA?.data[0]).toBeCloseTo(0.3, 5);
  });
});
