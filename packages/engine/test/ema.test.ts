import { compile, device, deviceFactories, Variable } from '@omma/core';
import '@omma/cpu';
import { describe, expect, it } from 'vitest';
import {
  type AverageOptions,
  Averages,
  type AverageType,
  type Config,
  type EMAHookOptions,
  loadModelWeights,
  Runner,
} from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';
import { eventsOf, interruptedAndResumed, numbersOf, temporary, trainTiny } from './support/training.ts';

const devices = deviceFactories()
  .filter(({ name, available }) => (name === 'reference' || name === 'cpu') && available() === true)
  .map(({ name }) => name);

/** Weights 1, 2, 3, ... and their average after each update, as the graph has it. */
async function averaged(options: Partial<AverageOptions>, updates: number, on: string): Promise<number[]> {
  const source = new Variable('w', { shape: [2], dtype: 'float32' });
  const averages = new Averages([source], {
    type: 'ExponentialMovingAverage',
    momentum: 0.25,
    gamma: 4,
    interval: 1,
    begin: 0,
    ...options,
  });
  const step = compile(
    () => {
      source.write(source.read().add(1));
      averages.update();
      return {};
    },
    { device: device(on) },
  );
  const values: number[] = [];
  for (let i = 0; i < updates; i++) {
    await step({});
    values.push((await averages.variables()[0]?.download())?.data[0] ?? Number.NaN);
  }
  step.dispose();
  return values;
}

/** The same by MMEngine's formulas, in float64. */
function expected(share: (steps: number) => number, updates: number, interval = 1, begin = 0): number[] {
  const values: number[] = [];
  let average = 0;
  for (let i = 0; i < updates; i++) {
    const [weight, steps] = [i + 1, i - begin];
    if (steps <= 0) average = weight;
    else if (steps % interval === 0) average += share(steps) * (weight - average);
    values.push(average);
  }
  return values;
}

describe.each(devices)('averages on %s', (on) => {
  const cases: [AverageType, Partial<AverageOptions>, (steps: number) => number][] = [
    ['ExponentialMovingAverage', {}, () => 0.25],
    ['MomentumAnnealingEMA', { gamma: 4 }, (steps) => Math.max(0.25, 4 / (4 + steps))],
    ['ExpMomentumEMA', { gamma: 4 }, (steps) => 0.75 * Math.exp(-(1 + steps) / 4) + 0.25],
    ['StochasticWeightAverage', {}, (steps) => 1 / (steps + 1)],
  ];

  it.each(cases)('%s moves as OpenMMLab computes it', async (type, options, share) => {
    const found = await averaged({ ...options, type: type }, 9, on);
    // Nine float32 updates of numbers up to nine, four roundings each.
    const differences = expected(share, 9).map((value, i) => Math.abs(value - (found[i] ?? Number.NaN)));
    expect(Math.max(...differences)).toBeLessThan(9 * 4 * 9 * 2 ** -24);
  });

  it('moves every so many updates, and begins when it is told to', async () => {
    expect(await averaged({ interval: 3 }, 8, on)).toEqual(expected(() => 0.25, 8, 3));
    expect(await averaged({ begin: 3 }, 6, on)).toEqual(expected(() => 0.25, 6, 1, 3));
    const every3 = await averaged({ interval: 3, type: 'StochasticWeightAverage' }, 7, on);
    expect(every3.at(-1)).toBeCloseTo((1 + 4 + 7) / 3, 5);
  });

  it('changes places with the weights, and back, to the last bit', async () => {
    const source = new Variable('w', { shape: [3], dtype: 'float32' }, Float32Array.of(0.1, -2, 3e-8));
    const averages = new Averages([source], {
      type: 'ExponentialMovingAverage',
      momentum: 0.25,
      gamma: 4,
      interval: 1,
      begin: 0,
    });
    const [average] = averages.variables();
    await average?.upload(Float32Array.of(5, 6, 7));
    const exchange = compile(
      () => {
        averages.exchange();
        return {};
      },
      { device: device(on) },
    );
    await exchange({});
    expect([...(await source.download()).data]).toEqual([5, 6, 7]);
    await exchange({});
    expect((await source.download()).data).toEqual(Float32Array.of(0.1, -2, 3e-8));
    expect([...((await average?.download())?.data ?? [])]).toEqual([5, 6, 7]);
    exchange.dispose();
  });
});

describe('the EMA hook', () => {
  const ema = (options: EMAHookOptions = { momentum: 0.2 }): Partial<Config> => ({
    customHooks: [{ type: 'EMAHook', ...options }],
  });

  it('leaves training alone, evaluates with the averages, and saves both', async () => {
    const plain = await trainTiny();
    const workDir = await temporary();
    const { end, events } = await trainTiny({ workDir, ...ema() });
    const losses = eventsOf(events, 'iteration').map(({ loss }) => loss);
    expect(losses).toEqual(eventsOf(plain.events, 'iteration').map(({ loss }) => loss));
    const [without, both] = [await numbersOf(plain.end.lastCheckpoint), await numbersOf(end.lastCheckpoint)];
    expect(both).toMatchObject(without);
    expect(both['ema.conv.weight']).not.toEqual(both['conv.weight']);
    const weights = await loadModelWeights(end.lastCheckpoint ?? '');
    expect([...(weights.get('conv.weight')?.data ?? [])]).toEqual(both['ema.conv.weight']);
    const runner = await Runner.create(tinyConfig(workDir));
    expect((await runner.test(end.lastCheckpoint ?? '')).metrics).toEqual(end.metrics);
    await runner.dispose();
  });

  it('goes on with the same bits when the run is resumed', async () => {
    const config = ema({ emaType: 'MomentumAnnealingEMA', gamma: 3, updateBuffers: true, beginIter: 2 });
    const whole = await trainTiny(config);
    for (const stopAt of [1, 4, 7]) {
      const { end } = await interruptedAndResumed(config, stopAt);
      expect(await numbersOf(end.lastCheckpoint)).toEqual(await numbersOf(whole.end.lastCheckpoint));
    }
  });

  it('begins with the weights of a run that had no averages, and says so', async () => {
    const workDir = await temporary();
    await trainTiny({ workDir, trainConfig: { maxEpochs: 1 } });
    const { events } = await trainTiny({ workDir, ...ema() }, { resume: true });
    expect(eventsOf(events, 'notice')[0]?.message).toMatch(/has no averaged weights/);
  });
});
