/** activationCheckpointing and unused parameters: a run with recomputed activations is the run without, and a user is told of what has no effect. */

import { type Device, device, deviceFactories, registerDevice, type TensorRecord } from '@omma/core';
import { Parameter } from '@omma/nn';
import '@omma/cpu';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { referenceUnder } from '../../core/test/support/referenceUnder.ts';
import { type Config, models, Runner, type RunnerEvent } from '../src/index.ts';
import { Tiny, tinyConfig } from './support/tiny.ts';
import { numbersOf, temporary, trainTiny } from './support/training.ts';

const cpu = deviceFactories().some(({ name, available }) => name === 'cpu' && available() === true);

async function numbersWith(changes: Partial<Config>): Promise<Record<string, number[]>> {
  const { end } = await trainTiny(changes);
  return numbersOf(end.lastCheckpoint);
}

const warnings = (events: readonly RunnerEvent[]) =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

describe('activationCheckpointing', () => {
  const modules = ['conv', 'norm', 'drop'];

  it('ends with the same bits on the reference device', async () => {
    const recomputed = await numbersWith({ activationCheckpointing: modules });
    expect(recomputed).toEqual(await numbersWith({}));
  });

  it.skipIf(!cpu).each([{}, { accumulativeCounts: 2 }, { amp: 'auto' }] as const)(
    'ends with the same numbers on cpu with %j, up to the rounding of other fusions',
    async (wrapper) => {
      const optimizer = { type: 'SGD', lr: 0.1, momentum: 0.9 } as const;
      const changes: Partial<Config> = { device: 'cpu', optimWrapper: { optimizer, ...wrapper } };
      const plain = await numbersWith(changes);
      const recomputed = await numbersWith({ ...changes, activationCheckpointing: modules });
      const off = Object.entries(plain).flatMap(([name, values]) =>
        values.map((value, i) => Math.abs(value - (recomputed[name]?.[i] ?? Number.NaN))),
      );
      // Twelve steps of numbers up to one, a few roundings of float32 each.
      expect(Math.max(...off)).toBeLessThan(12 * 2 ** -21);
    },
  );

  it.each([
    [['norm', 'cnov'], /the model has no module cnov; did you mean conv\?/],
    [['backbone.layer1'], /the model has no module backbone\.layer1; it has conv, norm, drop, fc/],
  ])('refuses %j', async (activationCheckpointing, message) => {
    await expect(trainTiny({ activationCheckpointing })).rejects.toThrow(message);
  });

  it('says so where the device takes no notice of it', async () => {
    const { events } = await trainTiny({ device: 'planner', activationCheckpointing: modules });
    expect(warnings(events)).toEqual([
      expect.stringMatching(/^activationCheckpointing: device planner plans its memory itself/),
    ]);
  });
});

/** The reference device without the barrier. */
function planner(): Device {
  const reference = device('reference');
  return referenceUnder('planner', {
    supports: (node, graph) =>
      node.op === 'optimizationBarrier' ? 'not here' : reference.supports(node, graph),
  });
}

registerDevice({ name: 'planner', priority: -1, available: () => true, create: planner });

/** A model with a parameter that the loss reads and is not moved by, and one that it does not read. */
class Wasteful extends Tiny {
  readonly spare = new Parameter([3]);
  readonly counted = new Parameter([1]);

  override loss(inputs: TensorRecord) {
    const { loss } = super.loss(inputs);
    return { loss: loss.add(this.counted.read().stopGradient().sum()) };
  }
}

declare module '../src/index.ts' {
  interface ModelTypes {
    Wasteful: object;
  }
}

models.register('Wasteful', z.strictObject({}), () => new Wasteful(2));

describe('parameters without a gradient', () => {
  const config: Partial<Config> = { model: { type: 'Wasteful' }, trainConfig: { maxEpochs: 1 } };

  it('are named when a run begins, and only where there are any', async () => {
    const { events } = await trainTiny(config);
    expect(warnings(events)).toEqual([
      'the loss does not depend on spare, counted: weight decay alone will move them; use them in the loss, or freeze them',
    ]);
    expect(warnings((await trainTiny({ trainConfig: { maxEpochs: 1 } })).events)).toEqual([]);
  });

  it('are named by the dry run', async () => {
    const runner = await Runner.create({ ...tinyConfig(await temporary()), ...config });
    try {
      expect((await runner.check()).unusedParameters).toEqual(['spare', 'counted']);
    } finally {
      await runner.dispose();
    }
  });
});
