import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Config,
  type EndEvent,
  type Hook,
  type IterationEvent,
  listCheckpoints,
  loadCheckpoint,
  Runner,
  type RunnerEvent,
  type RunnerOptions,
} from '../../src/index.ts';
import { tinyConfig } from '../support/tiny.ts';
import { plainConfig } from './support/plain.ts';
import { environment, freePort } from './support/ports.ts';

const temporary = () => mkdtemp(join(tmpdir(), 'omma-ranks-'));

interface Rank {
  readonly runner: Runner;
  readonly end: EndEvent;
  readonly events: RunnerEvent[];
}

/** Trains `config` with `size` ranks in this process, each with a device of its own kind of state. */
async function train(
  config: Config,
  size: number,
  optionsOf: (rank: number) => RunnerOptions = () => ({}),
): Promise<Rank[]> {
  const port = await freePort();
  return Promise.all(
    Array.from({ length: size }, async (_, rank) => {
      const events: RunnerEvent[] = [];
      const options = optionsOf(rank);
      const runner = await Runner.create(config, {
        ...options,
        distributed: size === 1 ? null : environment(rank, size, port),
        onEvent: (event) => {
          events.push(event);
          options.onEvent?.(event);
        },
      });
      try {
        return { runner, end: await runner.train(), events };
      } finally {
        await runner.dispose();
      }
    }),
  );
}

const lossesOf = ({ events }: Rank) =>
  events.filter((event): event is IterationEvent => event.type === 'iteration').map(({ loss }) => loss);

function rankOf(ranks: readonly Rank[], rank: number): Rank {
  const found = ranks[rank];
  if (found === undefined) throw new Error(`no rank ${rank}`);
  return found;
}

async function tensorsOf({ end }: Rank): Promise<Record<string, number[]>> {
  const { tensors } = await loadCheckpoint(end.lastCheckpoint ?? '');
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));
}

/** The largest difference of two lists, relative to the larger number, where both are of some size. */
function distance(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  return Math.max(
    ...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN)) / Math.max(1, Math.abs(value))),
  );
}

/**
 * The devices here compute in float64 and keep state in float32: a dozen steps of a momentum update, each rounding weights, moments and
 * buckets by 2^-24, with gradients of weight around one.
 */
const noise = 12 * 4 * 2 ** -24;

describe('two ranks', () => {
  it('give the loss curve and the weights of one rank with the doubled batch', async () => {
    const whole = rankOf(await train(plainConfig(await temporary(), 8), 1), 0);
    const ranks = await train(plainConfig(await temporary(), 4), 2);
    expect(lossesOf(whole)).toHaveLength(12);
    for (const rank of ranks) expect(distance(lossesOf(rank), lossesOf(whole))).toBeLessThan(noise);
    const [expected, found] = [await tensorsOf(whole), await tensorsOf(rankOf(ranks, 0))];
    for (const name of Object.keys(expected)) {
      expect(distance(found[name] ?? [], expected[name] ?? [])).toBeLessThan(noise);
    }
  });

  it('accumulate gradients as one rank does: two ranks, two batches an update, are one batch four times as big', async () => {
    // A rate for every batch would be another rate for every update.
    const config = { ...plainConfig(await temporary(), 2), paramScheduler: [] };
    const bigger = { ...plainConfig(await temporary(), 8), paramScheduler: [] };
    const whole = rankOf(await train(bigger, 1), 0);
    const { optimWrapper } = config;
    if (optimWrapper === undefined) throw new Error('nothing to train');
    const ranks = await train({ ...config, optimWrapper: { ...optimWrapper, accumulativeCounts: 2 } }, 2);
    const [expected, found] = [await tensorsOf(whole), await tensorsOf(rankOf(ranks, 0))];
    expect(found['run.accumulation.count']).toEqual([0]);
    for (const name of Object.keys(expected).filter((each) => !each.startsWith('run.'))) {
      expect(distance(found[name] ?? [], expected[name] ?? []), name).toBeLessThan(noise);
    }
  });

  it('evaluate as one rank does: same samples, same metrics', async () => {
    const whole = rankOf(await train(plainConfig(await temporary(), 8), 1), 0);
    for (const batchSize of [4, 5]) {
      const config = plainConfig(await temporary(), 4);
      const valDataloader = { dataset: { type: 'Stripes', length: 18 } as const, batchSize };
      const ranks = await train({ ...config, valDataloader }, 2);
      for (const { events, end } of ranks) {
        const evaluations = events.filter((event) => event.type === 'evaluation');
        expect(evaluations.map(({ samples }) => samples)).toEqual([18, 18, 18]);
        expect(end.metrics).toEqual(whole.end.metrics);
      }
    }
  });

  it('agree to the last bit, and average what batch norm keeps', async () => {
    const ranks = await train(tinyConfig(await temporary()), 2);
    const [a, b] = ranks.map(lossesOf);
    expect(a).toEqual(b);
    const { 'norm.running_mean': mean = [], 'norm.running_var': variance = [] } = await tensorsOf(
      rankOf(ranks, 0),
    );
    expect(mean.concat(variance).every(Number.isFinite)).toBe(true);
    expect(variance).not.toEqual(variance.map(() => 1));
  });

  it('are compared as often as the config says, and one that has drifted is found', async () => {
    const drift: Hook = {
      afterTrainIteration: async ({ progress, drain, state }) => {
        if (progress.iteration !== 3) return;
        await drain();
        const [weight] = state.model.parameters();
        await weight?.upload(Float32Array.from((await weight.download()).data, (value) => value + 1e-3));
      },
    };
    const config = { ...tinyConfig(await temporary()), distributed: { agreementInterval: 4 } };
    await expect(train(config, 2, (rank) => (rank === 1 ? { hooks: [drift] } : {}))).rejects.toThrow(
      /conv\.weight differs after iteration 4 between rank 0 and rank 1/,
    );
  });

  it('write files on rank 0 alone', async () => {
    const workDir = await temporary();
    const ranks = await train(plainConfig(workDir, 4), 2);
    expect((await readdir(workDir)).sort()).toEqual([
      'best.safetensors',
      'config.json',
      'iter_0000000008.safetensors',
      'iter_0000000012.safetensors',
      'last_checkpoint',
      'log.jsonl',
    ]);
    expect(ranks.map(({ events }) => events.filter(({ type }) => type === 'checkpoint').length > 0)).toEqual([
      true,
      false,
    ]);
  });

  it('log on every rank where they are asked to, each its own steps and warnings', async () => {
    const workDir = await temporary();
    const config = plainConfig(workDir, 4);
    const visualizer = { logEveryRank: true, visBackends: [{ type: 'CsvVisBackend' } as const] };
    const ranks = await train({ ...config, visualizer, defaultHooks: { logger: { interval: 1 } } }, 2);
    const linesOf = async (name: string): Promise<{ readonly type: string; readonly loss?: number }[]> =>
      (await readFile(join(workDir, name), 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    for (const [rank, name] of ['log.jsonl', 'log.rank1.jsonl'].entries()) {
      const lines = await linesOf(name);
      expect([lines.at(0)?.type, lines.at(-1)?.type]).toEqual(['start', 'end']);
      const losses = lines.flatMap(({ type, loss }) => (type === 'iteration' ? [loss] : []));
      expect(losses).toEqual(lossesOf(rankOf(ranks, rank)));
    }
    expect(await readdir(join(workDir, 'vis_data'))).toEqual(['train.csv', 'val.csv']);
  });

  it('stop together after the same step when one of them is interrupted, and go on bit by bit from there', async () => {
    const whole = rankOf(await train(tinyConfig(await temporary()), 2), 0);
    for (const [interrupted, at] of [
      [1, 1],
      [0, 3],
      [1, 4],
    ]) {
      const workDir = await temporary();
      const ranks = await train(tinyConfig(workDir), 2, (rank) => {
        const abort = new AbortController();
        return {
          signal: abort.signal,
          onEvent: (event) => {
            if (rank === interrupted && event.type === 'iteration' && event.iteration === at) abort.abort();
          },
        };
      });
      expect(ranks.map(({ end }) => end.reason)).toEqual(['interrupted', 'interrupted']);
      const [a, b] = ranks.map(lossesOf);
      expect(a).toEqual(b);
      expect(a?.length).toBeLessThan(12);
      const resumed = await train(tinyConfig(workDir), 2, () => ({ resume: true }));
      expect(resumed.map(({ end }) => end.reason)).toEqual(['finished', 'finished']);
      expect(await tensorsOf(rankOf(resumed, 0))).toEqual(await tensorsOf(whole));
    }
  });
});

describe('a rank that fails', () => {
  it('ends the others with its name and leaves the last checkpoint whole', async () => {
    const workDir = await temporary();
    const config: Config = {
      ...plainConfig(workDir, 4),
      defaultHooks: { checkpoint: { intervalIterations: 2 } },
    };
    const port = await freePort();
    const both = [0, 1].map(async (rank) => {
      const runner = await Runner.create(config, {
        distributed: environment(rank, 2, port),
        hooks: [
          {
            afterTrainIteration: async ({ progress }) => {
              if (rank === 1 && progress.iteration === 9) throw new Error('out of memory');
            },
          },
        ],
      });
      try {
        await runner.train();
      } finally {
        await runner.dispose();
      }
    });
    const [main, other] = await Promise.allSettled(both);
    expect(other).toMatchObject({ status: 'rejected', reason: { message: 'out of memory' } });
    expect(main).toMatchObject({
      status: 'rejected',
      reason: {
        name: 'OmmaError',
        message: expect.stringMatching(
          /rank 1 has left the run; the run ends here; .* with --resume goes on from .*safetensors$/,
        ),
      },
    });
    const [newest = ''] = await listCheckpoints(workDir);
    const { manifest } = await loadCheckpoint(newest);
    expect(manifest.iteration).toBeGreaterThanOrEqual(8);
    const finished = await train(config, 2, () => ({ resume: true }));
    expect(finished.map(({ end }) => end.reason)).toEqual(['finished', 'finished']);
  });
});
