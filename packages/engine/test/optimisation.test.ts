/** Optimisation in a whole run: groups and schedules that reach the step, loss scales that grow and back off, and a resume that loses nothing. */

import { type Device, device, registerDevice } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { referenceUnder } from '../../core/test/support/referenceUnder.ts';
import type { Config, RunnerEvent } from '../src/index.ts';
import { numbersOf, temporary, trainTiny } from './support/training.ts';

interface Outcome {
  readonly events: readonly RunnerEvent[];
  readonly tensors: Readonly<Record<string, number[]>>;
}

/** A run of the tiny config with `changes`, from its beginning or from where the last one in its work directory ended. */
async function trained(
  changes: Partial<Config>,
  { stopAt, resume = false }: { stopAt?: number; resume?: boolean } = {},
): Promise<Outcome> {
  const abort = new AbortController();
  const { events, end } = await trainTiny(changes, {
    resume,
    signal: abort.signal,
    onEvent: (event) => event.type === 'iteration' && event.iteration === stopAt && abort.abort(),
  });
  return { events, tensors: await numbersOf(end.lastCheckpoint) };
}

function rates({ events }: Outcome): number[] {
  return events.flatMap((event) => (event.type === 'iteration' ? [event.lr] : []));
}

const plateau: Partial<Config> = {
  optimWrapper: {
    optimizer: { type: 'AdamW', lr: 0.01, weightDecay: 0.1 },
    paramwiseConfig: { biasLrMult: 2, normDecayMult: 0 },
    clipGrad: { maxNorm: 5, normType: 1 },
  },
  paramScheduler: [
    { type: 'CosineAnnealingMomentum', etaMin: 0.8, convertToIterBased: true },
    { type: 'LinearWeightDecay', startFactor: 0.5 },
    // Nothing is that much better: the rate is halved after every evaluation but the first.
    { type: 'ReduceOnPlateauLR', monitor: 'hits', rule: 'greater', patience: 0, factor: 0.5, threshold: 9 },
  ],
  trainConfig: { maxEpochs: 5 },
};

describe('a run with groups, schedules and a plateau', () => {
  it('has the learning rate that the metric lets it have', async () => {
    const perEpoch = rates(await trained(plateau)).filter((_, i) => i % 4 === 0);
    expect(perEpoch).toEqual([0.01, 0.01, 0.005, 0.0025, 0.00125]);
  });

  it('ends with the same bits when it was interrupted and resumed, plateau and all', async () => {
    const whole = await trained(plateau);
    for (const stopAt of [9, 17]) {
      const workDir = await temporary();
      await trained({ ...plateau, workDir }, { stopAt });
      const resumed = await trained({ ...plateau, workDir }, { resume: true });
      expect(resumed.tensors).toEqual(whole.tensors);
      expect(rates(resumed)).toEqual(rates(whole).slice(-rates(resumed).length));
    }
  });

  it('moves what its groups and schedules say, and not the same without them', async () => {
    const { tensors } = await trained(plateau);
    const { tensors: without } = await trained({
      ...plateau,
      paramScheduler: plateau.paramScheduler?.slice(2) ?? [],
    });
    expect(without['conv.weight']).not.toEqual(tensors['conv.weight']);
  });

  it('ends with a message, its epoch saved, when the monitored metric is not there', async () => {
    const changes: Partial<Config> = { paramScheduler: [{ type: 'ReduceOnPlateauLR', monitor: 'hit' }] };
    await expect(trained(changes)).rejects.toThrow(
      /ReduceOnPlateauLR monitors hit, but the evaluation gives hits; did you mean hits\?; correct it and go on with --resume/,
    );
  });

  it('is refused when a schedule moves a momentum that there is none of', async () => {
    const changes: Partial<Config> = {
      optimWrapper: { optimizer: { type: 'SGD', lr: 0.1 } },
      paramScheduler: [{ type: 'ConstantMomentum' }],
    };
    await expect(trained(changes)).rejects.toThrow(
      /a schedule moves the momentum, .* set optimizer\.momentum/,
    );
  });
});

/** float16 on the reference device, with a loss scale that tests can see move. */
function scaled(lossScale: NonNullable<Config['optimWrapper']>['lossScale']): Partial<Config> {
  const optimizer = { type: 'SGD', lr: 0.1, momentum: 0.9 } as const;
  return { optimWrapper: { optimizer, amp: 'float16', ...(lossScale === undefined ? {} : { lossScale }) } };
}

describe('a float16 run', () => {
  it('grows its loss scale, and goes on with it when it is resumed', async () => {
    const config = scaled({ initScale: 8, growthFactor: 2, growthInterval: 5 });
    const whole = await trained(config);
    // 12 steps: grown after 5 and 10 of them.
    expect(whole.tensors['run.loss_scale.scale']).toEqual([32]);
    expect(whole.tensors['run.loss_scale.goodSteps']).toEqual([2]);
    const workDir = await temporary();
    await trained({ ...config, workDir }, { stopAt: 6 });
    expect((await trained({ ...config, workDir }, { resume: true })).tensors).toEqual(whole.tensors);
  });

  it('skips what overflows, backs off until it fits, and learns', async () => {
    const { tensors, events } = await trained(scaled({ initScale: 2 ** 24, backoffFactor: 2 ** -6 }));
    expect(tensors['run.loss_scale.scale']?.[0]).toBeLessThan(2 ** 24);
    const losses = events.flatMap((event) => (event.type === 'epoch' ? [event.meanLoss] : []));
    expect(losses[2]).toBeLessThan(losses[0] ?? 0);
  });

  it('keeps a scale that is a number', async () => {
    const { tensors } = await trained(scaled(128));
    expect(tensors['run.loss_scale.scale']).toEqual([128]);
  });
});

/** The reference device as a chip that multiplies float32 numbers as float16 and saturates. */
function chip(): Device {
  const { capabilities } = device('reference');
  return referenceUnder('chip', {
    capabilities: { ...capabilities, float32As: 'float16', float16Saturates: true },
  });
}

registerDevice({ name: 'chip', priority: -1, available: () => true, create: chip });

describe('on a chip that computes float32 products in float16', () => {
  const warnings = ({ events }: Outcome) =>
    events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

  it('a run without mixed precision is warned of, one with it is not', async () => {
    const short: Partial<Config> = { device: 'chip', trainConfig: { maxEpochs: 1 } };
    expect(warnings(await trained(short))).toEqual([
      expect.stringMatching(/chip multiplies float32 numbers as float16, .*train with --amp/),
    ]);
    expect(warnings(await trained({ ...short, ...scaled('dynamic') }))).toEqual([]);
  });

  it('a gradient at the largest float16 counts as overflow where results saturate', async () => {
    // Gradients of this run are below 1: at a scale of 2^17 they leave float16's range, which is all that the check can see there.
    const { tensors } = await trained({
      device: 'chip',
      ...scaled({ initScale: 2 ** 22, backoffFactor: 0.5 }),
    });
    expect(tensors['run.loss_scale.scale']?.[0]).toBeLessThan(2 ** 22);
  });
});
