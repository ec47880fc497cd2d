import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type Batch,
  checkConfig,
  type LoopEnd,
  loadCheckpoint,
  metrics,
  type TrainConfig,
  TrainLoop,
  type TrainLoopOptions,
  TrainPlan,
  trainLoops,
} from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';
import { eventsOf, interruptedAndResumed, numbersOf, trainTiny } from './support/training.ts';

/** Which epochs' data the loop of the tests asked for, times its option. */
const asked: number[] = [];

/** Evaluates before the first step. */
class ValFirstLoop extends TrainLoop {
  readonly #passes: number;

  constructor(options: TrainLoopOptions, passes: number) {
    super(options);
    this.#passes = passes;
  }

  override async run(first: AsyncIterable<Batch>): Promise<LoopEnd> {
    this.options.progress.evaluationDue = true;
    await this.evaluation();
    return super.run(first);
  }

  protected override batchesOf(epoch: number): AsyncIterable<Batch> {
    asked.push(epoch * this.#passes);
    return super.batchesOf(epoch);
  }
}

/** Shows every batch twice in a row, or the first one again at the end; `keep` holds on to their memory. */
class EchoLoop extends TrainLoop {
  readonly #late: boolean;
  readonly #keep: boolean;

  constructor(options: TrainLoopOptions, { late, keep }: { late: boolean; keep: boolean }) {
    super(options);
    this.#late = late;
    this.#keep = keep;
  }

  override run(first: AsyncIterable<Batch>): Promise<LoopEnd> {
    return super.run(this.#late ? firstAgain(first) : twice(first));
  }

  protected override release(batch: Batch): void {
    if (!this.#keep) super.release(batch);
  }
}

async function* twice(batches: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  for await (const batch of batches) yield* [batch, batch];
}

async function* firstAgain(batches: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  const seen: Batch[] = [];
  for await (const batch of batches) {
    seen.push(batch);
    yield seen.length === 4 ? (seen[0] ?? batch) : batch;
  }
}

declare module '../src/index.ts' {
  interface MetricTypes {
    Worse: object;
  }
  interface TrainLoopTypes {
    EchoLoop: { readonly late: boolean; readonly keep: boolean };
    ValFirstLoop: { readonly passes: number };
  }
}
trainLoops.register(
  'EchoLoop',
  z.strictObject({ late: z.boolean(), keep: z.boolean() }),
  (echo) => (options) => new EchoLoop(options, echo),
);
metrics.register('Worse', z.strictObject({}), () => {
  let evaluations = 0;
  return { reset: () => undefined, update: () => undefined, compute: () => ({ hits: -evaluations++ }) };
});
trainLoops.register(
  'ValFirstLoop',
  z.strictObject({ passes: z.int() }),
  ({ passes }) =>
    (options) =>
      new ValFirstLoop(options, passes),
);

/** After which units (epochs or iterations) a plan evaluates. */
function evaluations(config: TrainConfig, iterationsPerEpoch: number): number[] {
  const plan = new TrainPlan(config, iterationsPerEpoch);
  const at: number[] = [];
  for (let iteration = 1; iteration <= plan.maxIterations; iteration++) {
    const epoch = Math.floor(iteration / iterationsPerEpoch);
    const iterationInEpoch = iteration % iterationsPerEpoch;
    if (plan.evaluatesAfter({ epoch, iteration, iterationInEpoch, evaluationDue: false }))
      at.push(plan.byEpoch ? epoch : iteration);
  }
  return at;
}

describe('a plan', () => {
  it('evaluates at intervals, from a beginning on, and at the end', () => {
    expect(evaluations({ maxEpochs: 5 }, 3)).toEqual([1, 2, 3, 4, 5]);
    expect(evaluations({ maxEpochs: 7, valInterval: 3 }, 2)).toEqual([3, 6, 7]);
    expect(evaluations({ maxEpochs: 7, valInterval: 2, valBegin: 4 }, 2)).toEqual([4, 6, 7]);
    expect(evaluations({ maxIters: 10, valInterval: 4 }, 3)).toEqual([4, 8, 10]);
  });

  it('changes its interval on the way, at the unit that MMEngine does', () => {
    // As MMEngine's loops look it up: after unit 7 the position 8 has begun.
    expect(evaluations({ maxEpochs: 12, valInterval: 5, dynamicIntervals: [[8, 1]] }, 2)).toEqual([
      5, 7, 8, 9, 10, 11, 12,
    ]);
    expect(evaluations({ maxIters: 9, valInterval: 4, dynamicIntervals: [[6, 2]] }, 5)).toEqual([4, 6, 8, 9]);
  });

  it('is by epochs or by iterations, not both and not neither', () => {
    const config = (trainConfig: object) => () => checkConfig({ ...tinyConfig('work'), trainConfig });
    expect(config({})).toThrow(/expected either maxEpochs or maxIters/);
    expect(config({ maxEpochs: 1, maxIters: 1 })).toThrow(/expected either/);
    expect(
      config({
        maxEpochs: 9,
        dynamicIntervals: [
          [5, 1],
          [3, 1],
        ],
      }),
    ).toThrow(/ascending/);
  });
});

describe('a run by iterations', () => {
  const trainConfig = { maxIters: 7, valInterval: 3 };

  it('trains so many steps over as many epochs as it takes, and evaluates in between', async () => {
    const { events, end } = await trainTiny({ trainConfig });
    expect(end.reason).toBe('finished');
    expect(eventsOf(events, 'iteration').map(({ epoch }) => epoch)).toEqual([0, 0, 0, 0, 1, 1, 1]);
    expect(eventsOf(events, 'evaluation').map(({ iteration }) => iteration)).toEqual([3, 6, 7]);
    expect(eventsOf(events, 'start')[0]).toMatchObject({ maxIterations: 7, maxEpochs: 2 });
  });

  it('that is interrupted anywhere and resumed ends with the same bits', async () => {
    const whole = await trainTiny({ trainConfig });
    for (const stopAt of [2, 3, 4, 5]) {
      const { end } = await interruptedAndResumed({ trainConfig }, stopAt);
      expect(await numbersOf(end.lastCheckpoint)).toEqual(await numbersOf(whole.end.lastCheckpoint));
    }
  });
});

describe('the learning rate', () => {
  it('is scaled to the batch size where the config wants it', async () => {
    const scaled = await trainTiny({ autoScaleLr: { enable: true, baseBatchSize: 32 }, paramScheduler: [] });
    expect(eventsOf(scaled.events, 'iteration')[0]?.lr).toBeCloseTo(0.025, 12);
    expect(eventsOf(scaled.events, 'notice')[0]?.message).toMatch(/0.1 scaled from batch size 32 to 8/);
  });
});

describe("a loop of one's own", () => {
  it('is built by type, with its options, and does otherwise what it wants to', async () => {
    const { events, end } = await trainTiny({
      trainConfig: { maxEpochs: 2, loop: { type: 'ValFirstLoop', passes: 2 } },
    });
    expect(end.reason).toBe('finished');
    expect(eventsOf(events, 'evaluation').map(({ iteration }) => iteration)).toEqual([0, 4, 8]);
    expect(asked).toEqual([2]);
  });

  it('that evaluates before the first step keeps those weights as the best where nothing is better', async () => {
    const { events, end } = await trainTiny({
      trainConfig: { maxEpochs: 2, loop: { type: 'ValFirstLoop', passes: 1 } },
      valEvaluator: [{ type: 'Worse' }],
    });
    expect(eventsOf(events, 'warning')).toEqual([]);
    const best = eventsOf(events, 'checkpoint').filter((event) => event.best);
    expect(best.map(({ path, iteration }) => [path, iteration])).toEqual([[end.bestCheckpoint, 0]]);
    expect((await loadCheckpoint(end.bestCheckpoint ?? '')).manifest.iteration).toBe(0);
  });

  it('may show a batch twice in a row, and later again if it keeps it', async () => {
    const losses = async (late: boolean, keep: boolean) => {
      const loop = { type: 'EchoLoop', late, keep } as const;
      const { events } = await trainTiny({ trainConfig: { maxEpochs: 1, loop } });
      return eventsOf(events, 'iteration').map(({ loss }) => loss);
    };
    expect(await losses(false, false)).toEqual(await losses(false, true));
    expect(await losses(true, true)).toHaveLength(4);
    await expect(losses(true, false)).rejects.toThrow(
      'train loop: a batch came again after its memory was given back; a loop that keeps batches overrides `release`',
    );
  });

  it('that the config misspells is refused with its name', () => {
    const config = { ...tinyConfig('work'), trainConfig: { maxEpochs: 1, loop: { type: 'ValFirstLop' } } };
    expect(() => checkConfig(config)).toThrow(
      /trainConfig.loop.type is "ValFirstLop": expected a training loop, one of EchoLoop, ValFirstLoop; did you mean ValFirstLoop\?/,
    );
  });
});
