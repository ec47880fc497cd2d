/** A tiny run with every backend: what is in the files, what a resumed run leaves of them, what a server is told. */

import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Config,
  checkConfig,
  type Hook,
  loadConfig,
  Runner,
  type RunnerEvent,
  Visualizer,
} from '../../src/index.ts';
import { tinyConfig } from '../support/tiny.ts';
import { MLflowStub } from './mlflowStub.ts';

const temporary = () => mkdtemp(join(tmpdir(), 'omma-log-'));

async function run(config: Config, stopAt: number | null = null, resume = false): Promise<RunnerEvent[]> {
  const events: RunnerEvent[] = [];
  const abort = new AbortController();
  const runner = await Runner.create(config, {
    resume,
    signal: abort.signal,
    onEvent: (event) => {
      events.push(event);
      if (event.type === 'iteration' && event.iteration === stopAt) abort.abort();
    },
  });
  await runner.train();
  return events;
}

const lines = async (...path: string[]) => (await readFile(join(...path), 'utf8')).trimEnd().split('\n');
const json = (text: string): Record<string, unknown> => JSON.parse(text);

describe('log.jsonl', () => {
  it('has the config at the start, the means of logged iterations, and evaluations with their iteration', async () => {
    const workDir = await temporary();
    const events = await run(tinyConfig(workDir));
    const entries = (await lines(workDir, 'log.jsonl')).map(json);
    expect(entries[0]).toMatchObject({ type: 'start', config: { model: { type: 'Tiny' } } });
    const losses = events.flatMap((event) => (event.type === 'iteration' ? [event.loss] : []));
    const iterations = entries.filter(({ type }) => type === 'iteration');
    expect(iterations.map(({ iteration }) => iteration)).toEqual([2, 4, 6, 8, 10, 12]);
    const mean = losses.slice(2, 12).reduce((a, b) => a + b, 0) / 10;
    for (const { scalars } of iterations)
      expect(scalars).toMatchObject({
        'train/memory': expect.any(Number),
        'train/deviceMemory': expect.any(Number),
      });
    expect(iterations.at(-1)).toMatchObject({ loss: losses[11], scalars: { 'train/loss': mean } });
    expect(entries.filter(({ type }) => type === 'evaluation').map(({ iteration }) => iteration)).toEqual([
      4, 8, 12,
    ]);
  });

  it('has the numbers and pictures of a hook, and so have the other backends', async () => {
    const workDir = await temporary();
    const config: Config = {
      ...tinyConfig(workDir),
      visualizer: { visBackends: [{ type: 'CsvVisBackend' }] },
    };
    const bytes = new TextEncoder().encode('pixels');
    const image = {
      name: 'mine',
      caption: '',
      correct: null,
      format: 'png',
      bytes,
      width: 1,
      height: 1,
    } as const;
    const hook: Hook = {
      async afterTrainIteration({ emit, addImage, progress }) {
        if (progress.iteration !== 3) return;
        emit({ type: 'scalars', iteration: 3, scalars: { mine: 7, 'other/mine': 8 } });
        addImage(image);
      },
    };
    const runner = await Runner.create(config, { hooks: [hook] });
    await runner.train();
    const entries = (await lines(workDir, 'log.jsonl')).map(json);
    const scalars = entries.find(({ type }) => type === 'scalars');
    expect(scalars).toMatchObject({ iteration: 3, scalars: { 'train/mine': 7, 'other/mine': 8 } });
    expect(entries.find(({ type }) => type === 'image')).toMatchObject({
      name: 'mine',
      path: expect.stringMatching(/^vis_data.vis_image.mine_\d\.png$/),
    });
    expect(await lines(workDir, 'vis_data/other.csv')).toEqual([
      'step,wallTime,mine',
      `3,${scalars?.time},8`,
    ]);
    expect((await lines(workDir, 'vis_data/train.csv'))[0]).toContain(',mine');
  });

  it('has the resolved config beside it, as a file that trains the same run', async () => {
    const workDir = await temporary();
    await run(tinyConfig(workDir));
    expect(await loadConfig(join(workDir, 'config.json'))).toEqual(tinyConfig(workDir));
  });

  it('says of a session with no step left to do how far the run is', async () => {
    const workDir = await temporary();
    await run(tinyConfig(workDir));
    await run(tinyConfig(workDir), null, true);
    const ends = (await lines(workDir, 'log.jsonl')).map(json).filter(({ type }) => type === 'end');
    expect(ends.map(({ iteration }) => iteration)).toEqual([12, 12]);
  });

  it('says what ended a run that failed', async () => {
    const workDir = await temporary();
    const failing = { beforeTrain: () => Promise.reject(new Error('no luck')) };
    const runner = await Runner.create(tinyConfig(workDir), { hooks: [failing] });
    await expect(runner.train()).rejects.toThrow('no luck');
    expect(json((await lines(workDir, 'log.jsonl')).at(-1) ?? '')).toMatchObject({
      type: 'failed',
      message: 'no luck',
    });
  });
});

describe('CsvVisBackend', () => {
  const config = (workDir: string): Config => ({
    ...tinyConfig(workDir),
    visualizer: { visBackends: [{ type: 'CsvVisBackend' }] },
  });

  it('writes a table of training and one of evaluation', async () => {
    const workDir = await temporary();
    await run(config(workDir));
    const [header = '', ...rows] = await lines(workDir, 'vis_data/train.csv');
    expect(header).toBe(
      'step,wallTime,loss,lr,time,dataTime,imagesPerSecond,dataWaitShare,memory,deviceMemory',
    );
    expect(rows.map((row) => Number.parseInt(row, 10))).toEqual([2, 4, 6, 8, 10, 12]);
    for (const row of rows) expect(row.split(',')).toHaveLength(header.split(',').length);
    expect((await lines(workDir, 'vis_data/val.csv'))[0]).toBe('step,wallTime,hits');
  });

  it('of a resumed run has every step once', async () => {
    const workDir = await temporary();
    // The checkpoint is the one of iteration 4, the log goes on to 7.
    const abort = { ...config(workDir), defaultHooks: { logger: { interval: 1 } } };
    await run(abort, 6);
    await run(abort, null, true);
    const rows = (await lines(workDir, 'vis_data/train.csv')).slice(1);
    expect(rows.map((row) => Number.parseInt(row, 10))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    await run(abort);
    expect(await lines(workDir, 'vis_data/train.csv')).toHaveLength(13);
  });
});

describe('TensorboardVisBackend', () => {
  it('writes an event file for every start', async () => {
    const workDir = await temporary();
    const config: Config = {
      ...tinyConfig(workDir),
      visualizer: { visBackends: [{ type: 'TensorboardVisBackend' }] },
    };
    await run(config, 5);
    await run(config, null, true);
    const names = await readdir(join(workDir, 'vis_data'));
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\./);
  });
});

describe('MLflowVisBackend', () => {
  const server = new MLflowStub();
  beforeAll(() => server.listen());
  afterAll(() => server.close());
  const config = (workDir: string, trackingUri = server.uri): Config => ({
    ...tinyConfig(workDir),
    visualizer: {
      visBackends: [{ type: 'MLflowVisBackend', trackingUri, expName: 'tests', tags: { a: 'b' } }],
    },
  });

  it('makes an experiment and a run, and sends parameters, every number, and the end', async () => {
    const workDir = await temporary();
    const events = await run(config(workDir));
    const sent = server.run(0);
    expect(sent).toMatchObject({ experiment: 'tests', status: 'FINISHED', tags: { a: 'b' } });
    expect(sent.params['optimWrapper.optimizer.lr']).toBe('0.1');
    const hits = events.flatMap((event) => (event.type === 'evaluation' ? [event.metrics.hits] : []));
    expect(sent.metrics.filter(({ key }) => key === 'val/hits').map(({ value }) => value)).toEqual(hits);
    expect(sent.metrics.filter(({ key }) => key === 'train/loss').map(({ step }) => step)).toEqual([
      2, 4, 6, 8, 10, 12,
    ]);
  });

  it('stores the log and the config when the run has ended, and pictures', async () => {
    const workDir = await temporary();
    const context = { workDir, config: config(workDir), warn: () => undefined };
    const visualizer = new Visualizer(context, 1);
    const first = server.runs;
    const events = await run(tinyConfig(await temporary()));
    for (const event of events.filter(({ type }) => type === 'start' || type === 'end')) {
      visualizer.add(event);
      await visualizer.flush();
    }
    const bytes = new TextEncoder().encode('pixels');
    const picture = { name: 'val/a b.png', caption: 'a', correct: null, width: 1, height: 1 };
    visualizer.addImage({ ...picture, format: 'png', bytes });
    await visualizer.close();
    const { files } = server.run(first);
    expect([...files.keys()].sort()).toEqual([
      'config.json',
      'log.jsonl',
      expect.stringMatching(/^vis_image\/val_a_b\.png_\d+\.png$/),
    ]);
    expect(files.get('log.jsonl')).toBe(await readFile(join(workDir, 'log.jsonl'), 'utf8'));
    expect([...files.values()]).toContain('pixels');
  });

  it('says so where the server does not store the files of an experiment', async () => {
    const workDir = await temporary();
    const elsewhere = {
      type: 'MLflowVisBackend',
      trackingUri: server.uri,
      expName: 'elsewhere',
      artifactLocation: 's3://bucket/runs',
    } as const;
    const number = server.runs;
    const events = await run({ ...tinyConfig(workDir), visualizer: { visBackends: [elsewhere] } });
    expect(events).toContainEqual({
      type: 'warning',
      message: expect.stringMatching(/^MLflow keeps the files of this experiment at s3:\/\/bucket\/runs/),
    });
    expect([server.run(number).status, server.run(number).files.size]).toEqual(['FINISHED', 0]);
  });

  it('goes on with the same run after a resume', async () => {
    const workDir = await temporary();
    const number = server.runs;
    await run(config(workDir), 5);
    expect(server.run(number).status).toBe('KILLED');
    await run(config(workDir), null, true);
    expect(server.runs).toBe(number + 1);
    const steps = server
      .run(number)
      .metrics.filter(({ key }) => key === 'train/loss')
      .map(({ step }) => step);
    expect([server.run(number).status, steps]).toEqual(['FINISHED', [2, 4, 6, 8, 10, 12]]);
  });

  it('begins a new run, and says so, where a resumed one cannot read which it was', async () => {
    const workDir = await temporary();
    const number = server.runs;
    await run(config(workDir), 5);
    await writeFile(join(workDir, 'vis_data', 'mlflow.json'), '{');
    const events = await run(config(workDir), null, true);
    expect(server.runs).toBe(number + 2);
    expect(events).toContainEqual({
      type: 'warning',
      message: expect.stringMatching(
        /mlflow\.json: does not say which MLflow run to go on with; a new run is begun$/,
      ),
    });
  });

  it('leaves out what the server refuses as wrong, and says so once', async () => {
    const number = server.runs;
    server.refused = 'val/hits';
    const events = await run(config(await temporary())).finally(() => {
      server.refused = '';
    });
    const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    expect(warnings).toEqual([
      expect.stringMatching(/400 .*; \d+ numbers are left out \(they are in log\.jsonl\)$/),
    ]);
    const { metrics, status } = server.run(number);
    expect(metrics.some(({ key }) => key === 'val/hits')).toBe(false);
    expect([metrics.at(-1)?.key.startsWith('train/'), status]).toEqual([true, 'FINISHED']);
  });

  it('keeps what a failing server does not take, warns once, and sends it later', async () => {
    const workDir = await temporary();
    const warnings: string[] = [];
    const context = { workDir, config: config(workDir), warn: (message: string) => warnings.push(message) };
    const visualizer = new Visualizer(context, 1);
    const start = (await run(tinyConfig(await temporary()))).find(({ type }) => type === 'start');
    if (start !== undefined) visualizer.add(start);
    await visualizer.flush();
    const number = server.runs - 1;
    server.failing = true;
    for (const hits of [0.1, 0.2]) {
      visualizer.add(evaluation(hits));
      await visualizer.flush();
      await server.answered();
    }
    expect(warnings).toEqual([expect.stringMatching(/503 .*; training goes on and tries again$/)]);
    server.failing = false;
    visualizer.add(evaluation(0.3));
    await visualizer.close();
    expect(server.run(number).metrics.map(({ value }) => value)).toEqual([0.1, 0.2, 0.3]);
  });

  it('does not begin a run that it cannot reach the server for', async () => {
    await expect(run(config(await temporary(), 'http://127.0.0.1:1'))).rejects.toThrow(
      /^MLflow at http:\/\/127\.0\.0\.1:1 cannot be reached \(.*\); start the server, or take MLflowVisBackend out/,
    );
  });
});

describe('a config', () => {
  it('with mistakes in its logs is refused with all of them', () => {
    const config = {
      ...tinyConfig('unused'),
      visualizer: {
        visBackends: [{ type: 'TensorBoardVisBackend' }, { type: 'MLflowVisBackend', trackingUri: 'x' }],
      },
      logProcessor: { windowSize: 0, meanPattern: '(' },
    };
    const message = (() => {
      try {
        checkConfig(config);
      } catch (error) {
        return String(error);
      }
      return '';
    })();
    expect(message).toMatch(/visBackends\[0\]\.type .*did you mean TensorboardVisBackend\?/);
    expect(message).toMatch(/visBackends\[1\]\.trackingUri is "x": expected an address/);
    expect(message).toMatch(/windowSize is 0: expected a number above 0/);
    expect(message).toMatch(/meanPattern is "\(": expected a regular expression/);
  });
});

function evaluation(hits: number): RunnerEvent {
  return {
    type: 'evaluation',
    epoch: 0,
    iteration: 1,
    metrics: { hits },
    seconds: 1,
    samples: 1,
    skipped: [],
    details: {},
  };
}
