import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareConfigs, Run, RunSet, summaryOf } from '../src/index.ts';
import {
  end,
  evaluation,
  grow,
  image,
  iteration,
  iterations,
  line,
  start,
  temporary,
  writeRun,
} from './support/logs.ts';

async function read(dir: string): Promise<Run> {
  const run = new Run(dir, 'run');
  await run.update();
  return run;
}

const losses = (run: Run) => [...(run.tables.train.column('train/loss')?.view() ?? [])];
const steps = (run: Run) => [...run.tables.train.step.view()];

describe('looking for runs', () => {
  it('leaves nothing in a folder that has none worth remembering', async () => {
    const root = temporary();
    writeRun(root, 'short', start(), iteration(1, 2), end(1));
    const set = new RunSet(root);
    await set.refresh();
    set.close();
    expect(readdirSync(root)).toEqual(['short']);
  });
});

describe('a run', () => {
  it('is what its log says: curves, metrics with their best, status, config', async () => {
    const lines = [
      start(),
      iteration(10, 2),
      iteration(20, 1),
      evaluation(20, 70),
      evaluation(40, 60),
      end(40),
    ];
    const run = await read(writeRun(temporary(), 'a', ...lines));
    expect([steps(run), losses(run)]).toEqual([
      [10, 20],
      [2, 1],
    ]);
    expect(run.state.metrics).toEqual({
      'accuracy/top1': { last: 60, lastStep: 40, best: 70, bestStep: 20 },
    });
    expect([run.status, run.state.config]).toEqual(['finished', { lr: 0.1 }]);
    expect(run.curveNames).toEqual(['train/loss', 'train/lr', 'val/accuracy/top1']);
  });

  it('is as far as its last evaluation, also where that lies beyond the last logged iteration', async () => {
    const run = await read(writeRun(temporary(), 'a', start(), evaluation(3, 70), end(3)));
    expect(run.state.iteration).toBe(3);
  });

  it('is read on where it grew, and a line is waited for until it ends', async () => {
    const dir = writeRun(temporary(), 'a', start(), iteration(1, 3));
    const run = await read(dir);
    expect(await run.update()).toBe(false);
    const whole = iteration(2, 2);
    grow(dir, whole.slice(0, 40));
    await run.update();
    expect(steps(run)).toEqual([1]);
    grow(dir, whole.slice(40), iteration(3, 1));
    expect(await run.update()).toBe(true);
    expect(losses(run)).toEqual([3, 2, 1]);
  });

  it('that was resumed has every step once, and its metrics without those of the lost steps', async () => {
    const first = [
      start(),
      iteration(1, 5),
      iteration(2, 4),
      evaluation(2, 50),
      iteration(3, 9),
      evaluation(3, 99),
    ];
    const run = await read(writeRun(temporary(), 'a', ...first, start({ iteration: 2 }), iteration(3, 3)));
    expect([steps(run), losses(run)]).toEqual([
      [1, 2, 3],
      [5, 4, 3],
    ]);
    expect(run.state.metrics['accuracy/top1']).toMatchObject({ best: 50, last: 50 });
    expect(run.state.sessions).toBe(2);
  });

  it('that failed after its last step and was ended by another session has finished, and no failure', async () => {
    const failed = line(350, { type: 'failed', message: 'rank 1 is gone' });
    const run = await read(writeRun(temporary(), 'a', start(), iteration(2, 5), failed, end(3)));
    expect([run.status, run.state.failure, run.state.iteration]).toEqual(['finished', null, 3]);
  });

  it('that was begun anew in the same folder has forgotten the old one', async () => {
    const old = [start(), iteration(1, 5), evaluation(1, 50), image(1, 'vis_data/x.png'), end(1)];
    const run = await read(writeRun(temporary(), 'a', ...old, start({ config: { lr: 1 } }), iteration(1, 7)));
    expect([losses(run), run.state.metrics, run.state.images]).toEqual([[7], {}, []]);
    expect([run.state.config, run.state.sessions, run.status]).toEqual([{ lr: 1 }, 1, 'running']);
  });

  it('whose log was replaced is read from the beginning', async () => {
    const root = temporary();
    const run = await read(writeRun(root, 'a', start(), ...iterations(5)));
    writeRun(
      root,
      'a',
      start({ config: { other: true } }),
      iteration(1, 8),
      iteration(2, 8),
      ...iterations(9, 3),
    );
    await run.update();
    expect(losses(run).slice(0, 2)).toEqual([8, 8]);
  });

  it('has what hooks have logged between the iterations', async () => {
    const own = (step: number) =>
      line(step * 100, {
        type: 'scalars',
        iteration: step,
        scalars: { 'train/mine': step / 8, 'other/x': -step },
      });
    const lines = [start(), own(1), own(2), own(3), iteration(10, 2), own(11), own(12), iteration(20, 1)];
    const run = await read(writeRun(temporary(), 'a', ...lines));
    expect(steps(run)).toEqual([1, 2, 3, 10, 11, 12, 20]);
    expect([...(run.tables.train.column('train/mine')?.view() ?? [])]).toEqual([
      0.125,
      0.25,
      0.375,
      Number.NaN,
      1.375,
      1.5,
    ]);
    expect(run.curveNames).toEqual(['train/mine', 'other/x', 'train/loss', 'train/lr']);
  });

  it('tells of a failure, and steps over damaged lines', async () => {
    const failed = line(500, { type: 'failed', message: 'the disk is full' });
    const lines = [start(), '{"time": broken\n', 'null\n', '{"no":"type"}\n', iteration(1, 1), failed];
    const run = await read(writeRun(temporary(), 'a', ...lines));
    expect([run.status, run.state.failure, run.state.damagedLines]).toEqual([
      'failed',
      'the disk is full',
      3,
    ]);
    expect(losses(run)).toEqual([1]);
  });

  it('has the numbers of the log, whatever they look like', async () => {
    const numbers = [
      0, -0.5, 1e-7, -2.5e-12, 1e21, 123456789, 0.1, 12345.678901234567, 5e-324, 1.7976931348623157e308,
    ];
    const lines = numbers.map((number, i) => iteration(i + 1, number, { 'train/negative': -number }));
    const run = await read(writeRun(temporary(), 'a', start(), ...lines));
    losses(run).forEach((loss, i) => {
      const expected = numbers[i] ?? Number.NaN;
      expect(Math.abs(loss - expected)).toBeLessThanOrEqual(Math.abs(expected) * 2 ** -51);
    });
    expect([...run.tables.train.time.view()]).toEqual(lines.map((text) => Date.parse(JSON.parse(text).time)));
  });

  it('reads lines that differ from the ones before: other names, no numbers, more of them', async () => {
    const odd = [
      iteration(1, 1),
      iteration(2, 2, { 'train/more': 5 }),
      line(300, {
        type: 'iteration',
        epoch: 0,
        iteration: 3,
        iterationInEpoch: 3,
        loss: null,
        scalars: { 'train/loss': null },
      }),
      iteration(4, 4),
    ];
    const run = await read(writeRun(temporary(), 'a', start(), ...odd));
    expect(losses(run)).toEqual([1, 2, Number.NaN, 4]);
    const more = run.tables.train.column('train/more');
    more?.pad(4);
    expect([...(more?.view() ?? [])]).toEqual([Number.NaN, 5, Number.NaN, Number.NaN]);
  });

  it('reads quickly what JSON.parse would have read, line by line, and nothing else', async () => {
    const sound = (step: number) => iteration(step, 1 / step, { 'train/sometimes': step * 1e-9 });
    const broken = (step: number, number: string) => iteration(step, 0.125).replaceAll('0.125', number);
    const lines = [
      start(),
      ...[1, 2, 3].map(sound),
      iteration(4, 0.25),
      sound(5),
      iteration(6, Number.NaN, { 'train/sometimes': 1 }),
      sound(7),
      ...['1.', '-', '.5', '1e', '1.2.3', 'nul', '1 2', '\u0000', '0x10', '007', '-01', '0.'].map((text) =>
        broken(8, text),
      ),
      sound(9).replace('"time":"2026', '"time":"x026'),
      sound(9).replace(/:\d\d\.(\d+)Z/, ':75.$1Z'),
      sound(9).replace('"iteration":9', '"iteration":null'),
      sound(10).replace('"time"', '"tame"'),
      sound(11).replace('"scalars":{', '"scalars": {'),
      sound(12).replace('"train/loss":', '"train/loss":7,"train/loss":'),
      sound(13).slice(0, 150) + sound(14),
      sound(15).replace('}}', '},"more":{"iteration":3}}'),
      sound(16),
      iteration(17, 0.5, { 'train/train,"}:': 2 }),
      iteration(18, 0.5, { 'train/größe': 2 }),
      iteration(19, 123456789012345, { 'train/größe': -0.000012345678901234568 }),
      sound(20),
    ];
    let newest = 0;
    const expected = lines.slice(1).flatMap((text) => {
      try {
        const { time, iteration: at, scalars } = JSON.parse(text);
        // A line without an iteration is of the newest one.
        const step = at ?? newest;
        newest = Math.max(newest, step);
        return [{ step, time: Date.parse(time), ...scalars }];
      } catch {
        return [];
      }
    });
    const run = await read(writeRun(temporary(), 'a', ...lines));
    const { train } = run.tables;
    const rows = Array.from({ length: train.rows }, (_, row) =>
      Object.fromEntries(train.columns().map(([name, column]) => [name, column.at(row)])),
    );
    expect(rows.length).toBe(expected.length);
    rows.forEach((row, i) => {
      for (const [name, value] of Object.entries(row)) {
        const wanted = expected[i]?.[name] ?? Number.NaN;
        if (Number.isNaN(wanted)) expect([i, name, value]).toEqual([i, name, Number.NaN]);
        else expect(Math.abs(value - wanted)).toBeLessThanOrEqual(Math.abs(wanted) * 2 ** -51);
      }
    });
    expect(run.state.damagedLines).toBe(lines.length - 1 - expected.length);
  });
});

describe('the runs under a folder', () => {
  it('are found at any depth, by their path, but not through links', async () => {
    const [root, elsewhere] = [temporary(), temporary()];
    writeRun(root, 'a/b', start());
    writeRun(root, 'c', start());
    writeRun(elsewhere, 'secret', start());
    symlinkSync(elsewhere, join(root, 'link'));
    const set = new RunSet(root);
    await set.refresh();
    expect(set.runs.map(({ name }) => name)).toEqual(['a/b', 'c']);
    set.close();
  });

  it('come and go', async () => {
    const root = temporary();
    const dir = writeRun(root, 'a', start());
    const set = new RunSet(root);
    await set.refresh();
    writeRun(root, 'b', start());
    rmSync(dir, { recursive: true });
    expect((await set.refresh()).map(({ name }) => name)).toEqual(['b']);
    expect(set.runs.map(({ name }) => name)).toEqual(['b']);
    set.close();
  });
});

describe('the index', () => {
  const root = temporary();
  const dir = writeRun(root, 'long', start(), ...iterations(25_000), evaluation(25_000, 88), end(25_000));
  const index = join(root, '.omma', 'runs.sqlite');
  const opened = async () => {
    const set = new RunSet(root);
    await set.refresh();
    const [run] = set.runs;
    set.close();
    if (run === undefined) throw new Error('no run');
    return run;
  };

  it('gives back what reading the log gave, and goes on from there', async () => {
    const fresh = await opened();
    expect(readFileSync(index).subarray(0, 15).toString()).toBe('SQLite format 3');
    const indexed = await opened();
    expect(summaryOf(indexed)).toEqual({ ...summaryOf(fresh), status: indexed.status });
    expect(losses(indexed)).toEqual(losses(fresh));
    grow(dir, start({ iteration: 24_000 }), ...iterations(10, 24_001));
    const grown = await opened();
    expect([grown.tables.train.rows, steps(grown).at(-1)]).toEqual([24_010, 24_010]);
    expect(losses(await opened())).toEqual(losses(grown));
  });

  it('may be deleted, or damaged, or out of reach', async () => {
    const expected = losses(await opened());
    rmSync(index);
    expect(losses(await opened())).toEqual(expected);
    writeFileSync(index, 'no database at all');
    expect(losses(await opened())).toEqual(expected);
    rmSync(join(root, '.omma'), { recursive: true });
    writeFileSync(join(root, '.omma'), 'a file in the way');
    expect(losses(await opened())).toEqual(expected);
    rmSync(join(root, '.omma'));
  });

  it('does not believe in a log that was replaced', async () => {
    await opened();
    const text = readFileSync(join(dir, 'log.jsonl'), 'utf8').replaceAll('{"lr":0.1}', '{"lr":0.2}');
    writeFileSync(join(dir, 'log.jsonl'), text);
    appendFileSync(join(dir, 'log.jsonl'), iteration(50_000, 0.5));
    expect((await opened()).state.config).toEqual({ lr: 0.2 });
  });

  it('that another process is writing is left to it', async () => {
    await opened();
    const kept = readFileSync(index);
    mkdirSync(`${index}.lock`);
    expect((await opened()).tables.train.rows).toBeGreaterThan(24_000);
    rmSync(`${index}.lock`, { recursive: true });
    expect(readFileSync(index).equals(kept)).toBe(true);
  });

  it('left locked by a process that was killed is freed', async () => {
    const { utimesSync } = await import('node:fs');
    mkdirSync(`${index}.lock`, { recursive: true });
    utimesSync(`${index}.lock`, 1, 1);
    expect((await opened()).tables.train.rows).toBeGreaterThan(24_000);
  });
});

describe('configs', () => {
  it('are compared value by value', async () => {
    const root = temporary();
    const configs = [
      { model: { depth: 18, strides: [1, 2] }, list: [{ type: 'A' }] },
      { model: { depth: 50, strides: [1, 2] }, list: [{ type: 'A' }, { type: 'B' }] },
    ];
    const runs = await Promise.all(
      configs.map((config, i) => read(writeRun(root, `${i}`, start({ config })))),
    );
    expect(compareConfigs(runs)).toEqual([
      { key: 'model.depth', values: ['18', '50'], differs: true },
      { key: 'model.strides', values: ['[1,2]', '[1,2]'], differs: false },
      { key: 'list[0].type', values: ['"A"', '"A"'], differs: false },
      { key: 'list[1].type', values: [null, '"B"'], differs: true },
    ]);
  });
});
