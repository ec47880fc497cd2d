/** `omma runs` and `omma board` as processes, on logs as training writes them. */

import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'omma-runs-'));
const program = join(import.meta.dirname, '../bin/omma.js');

function omma(...args: string[]): { code: number | null; out: string; err: string } {
  const env = { ...process.env, NO_COLOR: '1' };
  const run = spawnSync(process.execPath, [program, ...args], { cwd: root, encoding: 'utf8', env });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

for (const [name, lr, top1] of [
  ['slow', 0.01, 60],
  ['fast', 0.1, 80],
] as const) {
  const dir = join(root, 'work_dirs', name);
  mkdirSync(dir, { recursive: true });
  const start = {
    type: 'start',
    device: 'cpu',
    amp: 'off',
    maxIterations: 30,
    iteration: 0,
    config: { lr, depth: 18 },
  };
  const steps = Array.from({ length: 30 }, (_, i) => ({
    type: 'iteration',
    iteration: i + 1,
    scalars: { 'train/loss': 2 - i * lr },
  }));
  const rest = [
    { type: 'evaluation', iteration: 30, metrics: { 'accuracy/top1': top1 } },
    { type: 'end', reason: 'finished', iteration: 30 },
  ];
  const lines = [start, ...steps, ...rest].map((entry, i) =>
    JSON.stringify({ time: new Date(1.7e12 + i * 1000 + top1).toISOString(), ...entry }),
  );
  writeFileSync(join(dir, 'log.jsonl'), `${lines.join('\n')}\n`);
}

describe('omma runs', () => {
  it('lists the runs, the newest first or the best', () => {
    const { code, out } = omma('runs');
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toMatch(/^run +status +started +took +iterations +best accuracy\/top1$/);
    expect(out).toMatch(/\nfast +finished +2023-11-14 22:13 +32 s +30\/30 +80\.00\nslow /);
    const names = JSON.parse(omma('runs', 'list', 'work_dirs', '--sort', 'accuracy/top1', '--json').out);
    expect(names.map(({ name }: { name: string }) => name)).toEqual(['fast', 'slow']);
  });

  it('compares runs: metrics, and what differs in their configs', () => {
    const { out } = omma('runs', 'compare', 'slow', 'work_dirs/fast');
    expect(out).toMatch(/^ +slow +fast\n/);
    expect(out).toMatch(/\naccuracy\/top1 +60\.00 at 30, last 60\.00 +80\.00 at 30/);
    expect(out).toMatch(/\nlr +0\.01 +0\.1\n/);
    expect(out).not.toContain('depth');
  });

  it('takes paths of runs, whatever their folder is called', () => {
    cpSync(join(root, 'work_dirs'), join(root, 'elsewhere'), { recursive: true });
    const { code, out } = omma('runs', 'compare', 'elsewhere/slow', 'elsewhere/fast', '--json');
    expect(code).toBe(0);
    const { runs } = JSON.parse(out) as { runs: { name: string }[] };
    expect(runs.map(({ name }) => name)).toEqual(['slow', 'fast']);
    rmSync(join(root, 'elsewhere'), { recursive: true });
  });

  it('plots a curve in the terminal and as SVG', () => {
    const { code, out } = omma('runs', 'plot', 'slow', 'fast', '--smooth', '0.5', '--svg', 'loss.svg');
    expect(code).toBe(0);
    expect(out).toContain('train/loss over iteration');
    expect(readFileSync(join(root, 'loss.svg'), 'utf8')).toMatch(/^<svg [\s\S]*slow[\s\S]*<\/svg>$/);
  });

  it('says what there is where a name is wrong', () => {
    expect(omma('runs', 'compare', 'fost').err).toMatch(
      /^error: .*has no run fost; did you mean fast\?; its runs: fast, slow/,
    );
    expect(omma('runs', 'plot', '--curve', 'train/los').err).toMatch(
      /no run has a curve train\/los; did you mean train\/loss\?/,
    );
    expect(omma('runs', '--sort', 'acuracy/top1').err).toMatch(
      /no run has a metric acuracy\/top1; did you mean accuracy\/top1\?/,
    );
    expect(omma('runs', 'nowhere').err).toBe(
      `error: ${join(root, 'nowhere')}: cannot read the folder of the work directories (ENOENT); check the path\n`,
    );
  });
});

describe('omma runs on strange logs', () => {
  const strange = join(root, 'strange');
  const write = (name: string, text: string) => {
    mkdirSync(join(strange, name), { recursive: true });
    writeFileSync(join(strange, name, 'log.jsonl'), text);
  };
  const events = (...entries: readonly object[]) =>
    entries
      .map((entry, i) => `${JSON.stringify({ time: new Date(1.7e12 + i * 1000), ...entry })}\n`)
      .join('');
  const begun = { type: 'start', iteration: 0, config: { defaultHooks: { logger: { interval: 25 } } } };
  write('short', events(begun, { type: 'evaluation', iteration: 4, metrics: { 'accuracy/top1': 50 } }));
  write('once', events(begun, { type: 'iteration', iteration: 10, scalars: { 'train/loss': 2 } }));
  write('nan', events(begun, { type: 'iteration', iteration: 10, scalars: { 'train/loss': 'NaN' } }));
  write('garbage', 'no json\n[1]\n');
  write('empty', '');

  it('lists all of them, and says which lines it cannot read', () => {
    const { code, out, err } = omma('runs', 'strange');
    expect([code, out.split('\n').length]).toEqual([0, 7]);
    expect(err).toBe('warning: garbage: 2 lines of log.jsonl cannot be read as events\n');
  });

  it('says why there is nothing to see of a run shorter than the interval of its logger', () => {
    expect(omma('runs', 'plot', 'short', '--dir', 'strange').err).toBe(
      'error: no training iteration is in the log of short: it came to iteration 4, and every 25th is logged (defaultHooks.logger.interval); there are: val/accuracy/top1\n',
    );
  });

  it('says what a curve of one point or none has, and which runs lack it', () => {
    const { code, out, err } = omma('runs', 'plot', 'once', 'nan', 'empty', '--dir', 'strange');
    expect([code, err]).toEqual([0, 'warning: no train/loss in empty\n']);
    expect(out).toBe(
      'once: train/loss has one point, 2.000 at iteration 10\nnan: none of the values of train/loss is a finite number\n',
    );
  });

  it('compares what has no config, and runs of folders apart', () => {
    expect(omma('runs', 'compare', 'empty', 'garbage', '--dir', 'strange').out).toMatch(
      /none of the logs says what the config was\n$/,
    );
    expect(omma('runs', 'compare', 'strange/once', 'work_dirs/fast').out).toMatch(
      /^ +strange\/once +work_dirs\/fast\n/,
    );
  });
});

describe('omma board', () => {
  it('serves the runs until it is told to end', async () => {
    const board = spawn(process.execPath, [program, 'board', '--port', '0'], { cwd: root });
    const url = await new Promise<string>((done) => {
      board.stdout.once('data', (chunk) => done(/http:\/\/127\.0\.0\.1:\d+/.exec(String(chunk))?.[0] ?? ''));
    });
    expect(await (await fetch(`${url}/api/runs`)).json()).toMatchObject([{ name: 'fast' }, { name: 'slow' }]);
    const code = new Promise((done) => board.once('exit', done));
    board.kill('SIGINT');
    expect(await code).toBe(0);
  });
});
