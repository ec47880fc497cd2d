import { describe, expect, it } from 'vitest';
import { plainConfig } from './distributed/support/plain.ts';
import { eventsOf, interruptedAndResumed, numbersOf, temporary, trainTiny } from './support/training.ts';

/** As for two ranks (distributed/dataParallel.test.ts): float32 state between float64 steps, a dozen updates. */
const noise = 12 * 4 * 2 ** -24;

const accumulating = async (accumulativeCounts: number, batchSize: number) => {
  const config = plainConfig(await temporary(), batchSize);
  const { optimWrapper } = config;
  if (optimWrapper === undefined) throw new Error('no optimWrapper');
  // By epochs, so that the rates are those of the bigger batch.
  return {
    ...config,
    optimWrapper: { ...optimWrapper, accumulativeCounts },
    paramScheduler: [{ type: 'ExponentialLR', gamma: 0.5 } as const],
  };
};

describe('gradient accumulation', () => {
  it('gives the weights of the bigger batch, to the noise of float32', async () => {
    const whole = await trainTiny(await accumulating(1, 8));
    const parts = await trainTiny(await accumulating(2, 4));
    expect(eventsOf(whole.events, 'iteration')).toHaveLength(12);
    expect(eventsOf(parts.events, 'iteration')).toHaveLength(24);
    const [expected, found] = [
      await numbersOf(whole.end.lastCheckpoint),
      await numbersOf(parts.end.lastCheckpoint),
    ];
    for (const name of Object.keys(expected).filter((each) => !each.startsWith('run.'))) {
      const differences = (expected[name] ?? []).map((value, i) =>
        Math.abs(value - (found[name]?.[i] ?? Number.NaN)),
      );
      expect(Math.max(...differences), name).toBeLessThan(noise);
    }
  });

  it('takes what is left over at the end as an update of its own', async () => {
    const config = { ...(await accumulating(5, 4)), trainConfig: { maxIters: 6 } };
    const { end } = await trainTiny(config);
    const numbers = await numbersOf(end.lastCheckpoint);
    expect(numbers['run.accumulation.count']).toEqual([0]);
    const five = await trainTiny({ ...config, workDir: await temporary(), trainConfig: { maxIters: 5 } });
    expect((await numbersOf(five.end.lastCheckpoint))['conv.weight']).not.toEqual(numbers['conv.weight']);
  });

  it('goes on between two parts of a batch when it is resumed, with the same bits', async () => {
    const config = { ...(await accumulating(3, 4)), trainConfig: { maxIters: 8 } };
    const whole = await trainTiny(config);
    for (const stopAt of [1, 4]) {
      const { end } = await interruptedAndResumed(config, stopAt);
      expect(await numbersOf(end.lastCheckpoint)).toEqual(await numbersOf(whole.end.lastCheckpoint));
    }
  });

  it('works with float16 and its loss scale', async () => {
    const { optimWrapper, ...config } = await accumulating(2, 4);
    const { events } = await trainTiny({ ...config, optimWrapper: { ...optimWrapper, amp: 'float16' } });
    const losses = eventsOf(events, 'iteration').map(({ loss }) => loss);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
  });
});
