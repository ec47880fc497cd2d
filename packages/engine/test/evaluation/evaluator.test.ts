import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostTensor } from '@omma/core';
import { describe, expect, it } from 'vitest';
import {
  buildEvaluator,
  type Config,
  checkConfig,
  DumpResults,
  evaluateResults,
  Runner,
  type RunnerEvent,
} from '../../src/index.ts';
import { Tiny, tinyConfig } from '../support/tiny.ts';

const temporary = () => mkdtemp(join(tmpdir(), 'omma-eval-'));

async function tested(config: Config) {
  const runner = await Runner.create(config);
  return runner.test();
}

describe('an evaluator', () => {
  it('runs several metrics and tells them apart by prefix', async () => {
    const valEvaluator = [{ type: 'Hits' }, { type: 'Hits', prefix: 'again' }] as const;
    const { metrics } = await tested({ ...tinyConfig(await temporary()), valEvaluator });
    expect(Object.keys(metrics)).toEqual(['hits', 'again/hits']);
    expect(metrics.hits).toBe(metrics['again/hits']);
  });

  it('refuses two metrics with one name', async () => {
    const valEvaluator = [{ type: 'Hits' }, { type: 'Hits' }] as const;
    await expect(tested({ ...tinyConfig(await temporary()), valEvaluator })).rejects.toThrow(
      "two metrics give hits; tell them apart with a prefix: { type: ..., prefix: 'other' }",
    );
  });

  it('checks the prefix beside the options of the metric', () => {
    expect(() => checkConfig({ ...tinyConfig('x'), valEvaluator: [{ type: 'Hits', prefix: '' }] })).toThrow(
      /valEvaluator\[0\]\.prefix is ""/,
    );
    expect(() => checkConfig({ ...tinyConfig('x'), valEvaluator: [{ type: 'Hits', k: 1 }] })).toThrow(
      /valEvaluator\[0\]\.k is 1: unknown key/,
    );
  });

  it('of a test may be another than that of validation', async () => {
    const testEvaluator = [{ type: 'Hits', prefix: 'test' }] as const;
    const { metrics } = await tested({ ...tinyConfig(await temporary()), testEvaluator });
    expect(Object.keys(metrics)).toEqual(['test/hits']);
  });
});

describe('DumpResults', () => {
  const dumped = async (path: string) =>
    tested({
      ...tinyConfig('unused'),
      valEvaluator: [{ type: 'Hits' }, { type: 'DumpResults', outFilePath: path }],
    });

  it('writes predictions from which the same metrics come without the model', async () => {
    const path = join(await temporary(), 'results.safetensors');
    const { metrics, samples } = await dumped(path);
    const again = await evaluateResults(path, buildEvaluator([{ type: 'Hits' }]));
    expect([again.metrics, again.samples]).toEqual([metrics, samples]);
    expect(samples).toBe(18);
  });

  it('keeps labels and leaves pictures out', () => {
    const dump = new DumpResults({ outFilePath: 'x.safetensors' });
    const picture = hostTensor([1, 2, 2, 1], 'uint8', new Uint8Array(4));
    expect(dump.inputs('image', picture)).toBe(false);
    expect(dump.inputs('label', hostTensor([1], 'int32', Int32Array.of(1)))).toBe(true);
  });

  it('is refused where the file is another or not there', async () => {
    const dir = await temporary();
    const evaluator = buildEvaluator([{ type: 'Hits' }]);
    await expect(evaluateResults(join(dir, 'none'), evaluator)).rejects.toThrow(
      /cannot read the results \(ENOENT\)/,
    );
    const { end } = await trainedIn(join(dir, 'run'));
    await expect(evaluateResults(end ?? '', evaluator)).rejects.toThrow(/is no file of predictions/);
    await writeFile(join(dir, 'short'), 'abc');
    await expect(evaluateResults(join(dir, 'short'), evaluator)).rejects.toThrow(
      /short: is no file of predictions/,
    );
  });
});

async function trainedIn(workDir: string): Promise<{ end: string | null; images: RunnerEvent[] }> {
  const images: RunnerEvent[] = [];
  const runner = await Runner.create(
    { ...tinyConfig(workDir), trainConfig: { maxEpochs: 1 } },
    { onEvent: (event) => images.push(event) },
  );
  return { end: (await runner.train()).lastCheckpoint, images };
}

describe('the visualization hook', () => {
  /** A model that draws: its pictures are the sample's place. */
  class Drawing extends Tiny {
    async draw({ batch, row }: { batch: { indices: readonly number[] }; row: number }) {
      const bytes = Uint8Array.of(batch.indices[row] ?? 255);
      return { caption: 'x', correct: true, format: 'png', bytes, width: 1, height: 1 } as const;
    }
  }

  it('draws the same samples at every evaluation, spread over the data set, and logs them', async () => {
    const { models } = await import('../../src/index.ts');
    const { z } = await import('zod');
    const { readFile, readdir } = await import('node:fs/promises');
    models.register('Tiny', z.strictObject({ channels: z.int() }), ({ channels }) => new Drawing(channels));
    const workDir = await temporary();
    const visualization = { maxImages: 3 };
    const runner = await Runner.create({
      ...tinyConfig(workDir),
      trainConfig: { maxEpochs: 2 },
      defaultHooks: { visualization },
    });
    await runner.train();
    const lines = (await readFile(join(workDir, 'log.jsonl'), 'utf8')).trim().split('\n');
    const images = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'image');
    const names = ['val/stripes/0.png', 'val/stripes/6.png', 'val/stripes/12.png'];
    expect(images.map(({ name }) => name)).toEqual([...names, ...names]);
    expect(await readFile(join(workDir, images[1].path))).toEqual(Buffer.from([6]));
    expect(await readdir(join(workDir, 'vis_data/vis_image'))).toHaveLength(6);
  });
});
