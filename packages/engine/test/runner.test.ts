import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Hook,
  listCheckpoints,
  loadCheckpoint,
  Runner,
  type RunnerEvent,
  type TrainingContext,
} from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';

const temporary = () => mkdtemp(join(tmpdir(), 'omma-'));

async function trained(workDir: string, options: Parameters<typeof Runner.create>[1] = {}, changes = {}) {
  const events: RunnerEvent[] = [];
  const runner = await Runner.create(
    { ...tinyConfig(workDir), ...changes },
    { ...options, onEvent: (event) => events.push(event) },
  );
  const end = await runner.train();
  return { events, end, runner };
}

async function weights(path: string | null): Promise<Record<string, number[]>> {
  const { tensors } = await loadCheckpoint(path ?? '');
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));
}

describe('training', () => {
  it('learns', async () => {
    const { end } = await trained(await temporary(), {}, { trainConfig: { maxEpochs: 8 } });
    expect(end.metrics.hits).toBe(1);
  });

  it('tells what happens: start, every iteration, epochs, evaluations, checkpoints, end', async () => {
    const { events } = await trained(await temporary());
    const count = (type: RunnerEvent['type']) => events.filter((event) => event.type === type).length;
    expect(events[0]?.type).toBe('start');
    expect(events.at(-1)?.type).toBe('end');
    expect([count('iteration'), count('epoch'), count('evaluation')]).toEqual([12, 3, 3]);
  });

  it('writes a log of JSON lines', async () => {
    const workDir = await temporary();
    await trained(workDir);
    const lines = (await readFile(join(workDir, 'log.jsonl'), 'utf8')).trim().split('\n');
    const types = lines.map((line) => JSON.parse(line).type);
    expect(types.filter((type) => type === 'iteration')).toHaveLength(6);
    expect(types.at(-1)).toBe('end');
  });

  it('is the same twice, and differs with the seed', async () => {
    const [a, b, c] = await Promise.all([
      trained(await temporary()),
      trained(await temporary()),
      trained(await temporary(), {}, { randomness: { seed: 2 } }),
    ]);
    expect(await weights(a.end.lastCheckpoint)).toEqual(await weights(b.end.lastCheckpoint));
    expect(await weights(a.end.lastCheckpoint)).not.toEqual(await weights(c.end.lastCheckpoint));
  });

  it('calls hooks at their points, with the state of the steps that are done', async () => {
    const calls: string[] = [];
    const note = (point: string) => async (context: TrainingContext) => {
      await context.drain();
      calls.push(`${point} ${context.progress.iteration}`);
    };
    const hook: Hook = {
      beforeTrain: note('before'),
      afterTrainIteration: note('iteration'),
      afterTrainEpoch: note('epoch'),
      afterVal: note('evaluation'),
      afterTrain: note('after'),
    };
    await trained(await temporary(), { hooks: [hook] }, { trainConfig: { maxEpochs: 1 } });
    const iterations = [1, 2, 3, 4].map((iteration) => `iteration ${iteration}`);
    expect(calls).toEqual(['before 0', ...iterations, 'epoch 4', 'evaluation 4', 'after 4']);
  });

  it('keeps the newest two checkpoints and the best one', async () => {
    const workDir = await temporary();
    await trained(workDir);
    expect((await readdir(workDir)).sort()).toEqual([
      'best.safetensors',
      'config.json',
      'iter_0000000008.safetensors',
      'iter_0000000012.safetensors',
      'last_checkpoint',
      'log.jsonl',
    ]);
    expect(await readFile(join(workDir, 'last_checkpoint'), 'utf8')).toBe('iter_0000000012.safetensors\n');
  });

  it('writes the best checkpoint once: the newest is a second name for it, and the best stays when the newest goes', async () => {
    const workDir = await temporary();
    await trained(workDir, {}, { trainConfig: { maxEpochs: 1 } });
    const best = join(workDir, 'best.safetensors');
    const newest = join(workDir, 'iter_0000000004.safetensors');
    expect((await stat(best)).ino).toBe((await stat(newest)).ino);
    await trained(workDir, {}, { trainConfig: { maxEpochs: 3 }, resume: true });
    expect(await readdir(workDir)).not.toContain('iter_0000000004.safetensors');
    expect((await loadCheckpoint(best)).manifest.hooks.CheckpointHook).toMatchObject([
      { path: 'best.safetensors' },
    ]);
  });

  it('ends after the current step with a checkpoint when it is interrupted, and a resumed run ends with the same bits', async () => {
    const whole = await trained(await temporary());
    for (const stopAt of [1, 5, 8]) {
      const workDir = await temporary();
      const abort = new AbortController();
      const runner = await Runner.create(tinyConfig(workDir), {
        signal: abort.signal,
        onEvent: (event) => event.type === 'iteration' && event.iteration === stopAt && abort.abort(),
      });
      const interrupted = await runner.train();
      expect(interrupted.reason).toBe('interrupted');
      const resumed = await trained(workDir, { resume: true });
      expect(resumed.end.reason).toBe('finished');
      expect(await weights(resumed.end.lastCheckpoint)).toEqual(await weights(whole.end.lastCheckpoint));
    }
  });

  it('makes up for the evaluation that an interruption at the end of an epoch left out', async () => {
    for (const [stopAt, epochs] of [
      [4, [0, 1, 2]],
      [12, [2]],
    ] as const) {
      const workDir = await temporary();
      const abort = new AbortController();
      const hook: Hook = {
        afterTrainIteration: async ({ progress }) => {
          if (progress.iteration === stopAt) abort.abort();
        },
      };
      const interrupted = await trained(workDir, { signal: abort.signal, hooks: [hook] });
      expect(interrupted.end.reason).toBe('interrupted');
      const resumed = await trained(workDir, { resume: true });
      expect(resumed.end.reason).toBe('finished');
      const evaluated = resumed.events.flatMap((event) => (event.type === 'evaluation' ? [event.epoch] : []));
      expect(evaluated).toEqual(epochs);
    }
  });

  it('that is resumed when it has finished leaves a checkpoint as good as before', async () => {
    const workDir = await temporary();
    const { end } = await trained(workDir);
    const before = await loadCheckpoint(end.lastCheckpoint ?? '');
    const { events } = await trained(workDir, { resume: true });
    expect(events[0]).toMatchObject({ message: expect.stringMatching(/has all 3 epochs behind it/) });
    const { manifest } = await loadCheckpoint(end.lastCheckpoint ?? '');
    expect(manifest).toEqual(before.manifest);
  });

  it('says so when there is nothing to resume from, and when an earlier run is replaced', async () => {
    const workDir = await temporary();
    const warnings = ({ events }: Awaited<ReturnType<typeof trained>>) =>
      events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    expect(warnings(await trained(workDir, { resume: true }))).toEqual([
      expect.stringMatching(/has no checkpoint to resume from; training starts from the beginning/),
    ]);
    expect(warnings(await trained(workDir))).toEqual([
      expect.stringMatching(/holds checkpoints of an earlier run, which this one replaces/),
    ]);
  });

  it('keeps its own checkpoints, not the later ones of an earlier run', async () => {
    const workDir = await temporary();
    await trained(workDir, {}, { trainConfig: { maxEpochs: 5 } });
    const { end } = await trained(workDir, {}, { trainConfig: { maxEpochs: 1 } });
    expect(await listCheckpoints(workDir)).toEqual([end.lastCheckpoint]);
  });

  it('does not begin anew when all checkpoints are damaged', async () => {
    const workDir = await temporary();
    await trained(workDir, {}, { trainConfig: { maxEpochs: 1 } });
    for (const path of await listCheckpoints(workDir)) await writeFile(path, 'damaged');
    await expect(trained(workDir, { resume: true })).rejects.toThrow(
      /has no other checkpoint to resume from/,
    );
  });

  it('goes on from the checkpoint before when the newest is damaged', async () => {
    const workDir = await temporary();
    const { end } = await trained(workDir);
    const [newest = ''] = await listCheckpoints(workDir);
    const bytes = await readFile(newest);
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
    await writeFile(newest, bytes);
    const before = end.lastCheckpoint;
    const resumed = await trained(workDir, { resume: true });
    expect(resumed.events.find((event) => event.type === 'warning')?.message).toMatch(
      /does not match its checksum/,
    );
    expect(resumed.end.lastCheckpoint).toBe(before);
  });
});
