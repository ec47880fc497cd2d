/** `omma launch` with real processes: that they train together, and that the others go on when one dies. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@omma/cpu';
import { deviceFactories } from '@omma/core';
import { loadCheckpoint } from '@omma/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPictures, program, tinyDataset, tinyModel } from './support/tinyProject.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-launch-'));
const config = join(folder, 'tiny.json');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly seconds: number;
}

/** Starts `omma`; `watch` is called with the process and all that it has said so far. */
function omma(
  args: readonly string[],
  watch: (child: ChildProcess, said: string) => void = () => undefined,
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const started = performance.now();
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    watch(child, out + err);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    watch(child, out + err);
  });
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, out, err, seconds: (performance.now() - started) / 1000 }));
  });
}

const launch = (work: string, ...more: readonly string[]) => [
  'launch',
  '-n',
  '2',
  'train',
  config,
  '--work-dir',
  join(folder, work),
  ...more,
];

/** The process id of a rank that `launcher` has started. */
function processOf(launcher: ChildProcess, rank: number): number {
  const children = readFileSync(`/proc/${launcher.pid}/task/${launcher.pid}/children`, 'utf8');
  const found = children
    .trim()
    .split(' ')
    .find((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`RANK=${rank}`));
  if (found === undefined) throw new Error(`no process of rank ${rank}`);
  return Number(found);
}

const checkpoints = (work: string) =>
  existsSync(join(folder, work))
    ? readdirSync(join(folder, work))
        .filter((name) => /^iter_\d+\.safetensors$/.test(name))
        .sort()
    : [];

/** Of every step, as the work directory's log has them. */
const losses = (work: string): number[] =>
  readFileSync(join(folder, work, 'log.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'iteration')
    .map(({ loss }) => loss);

const cpu = deviceFactories()
  .find(({ name }) => name === 'cpu')
  ?.available();

beforeAll(async () => {
  const classes = { blue: ['#0040c0'], red: ['#c02000'] };
  for (const split of ['train', 'val'])
    await drawPictures(join(folder, 'data', split), classes, { width: 8, height: 8 });
  const dataset = (split: 'train' | 'val') => tinyDataset(join(folder, 'data'), split);
  const tiny = {
    model: tinyModel,
    trainDataloader: { dataset: dataset('train'), batchSize: 2 },
    valDataloader: { dataset: dataset('val'), batchSize: 3 },
    valEvaluator: [{ type: 'Accuracy', topk: [1] }],
    optimWrapper: { optimizer: { type: 'SGD', lr: 0.05, momentum: 0.9 } },
    trainConfig: { maxEpochs: 2 },
    device: 'reference',
  };
  writeFileSync(config, JSON.stringify(tiny));
});

afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));

describe('omma launch', () => {
  it('trains in two processes; rank 0 speaks and writes', async () => {
    const { code, out, err } = await omma(launch('two', '--json'));
    expect([code, err]).toEqual([0, expect.stringContaining('epoch 2/2')]);
    expect(JSON.parse(out)).toMatchObject({ type: 'end', reason: 'finished' });
    expect(err).toContain('2 epochs of 2 steps');
    expect(err).toContain('(8 samples');
    expect(err).not.toContain('[rank 1]');
    expect(checkpoints('two')).toEqual(['iter_0000000002.safetensors', 'iter_0000000004.safetensors']);
  });

  it('evaluates in two processes what one evaluates alone', async () => {
    const checkpoint = join(folder, 'two', checkpoints('two').at(-1) ?? '');
    const command = ['test', config, checkpoint, '--json'];
    const [one, two] = [await omma(command), await omma(['launch', '-n', '2', ...command])];
    expect([one.code, two.code]).toEqual([0, 0]);
    const { metrics, samples, details } = JSON.parse(one.out);
    expect(JSON.parse(two.out)).toMatchObject({ metrics, samples, details });
  });

  it.runIf(process.platform === 'linux')(
    'a rank that is killed is left behind: the other takes over, goes on from the last checkpoint and finishes',
    async () => {
      let killed = false;
      const args = launch('killed', '--set', 'trainConfig.maxEpochs=12');
      const { code, out, err } = await omma(args, (child, said) => {
        if (killed || (!said.includes('epoch    2/12') && !said.includes('epoch  2/12'))) return;
        killed = true;
        process.kill(processOf(child, 0), 'SIGKILL');
      });
      expect(err).toContain('launch: rank 0 was ended by SIGKILL');
      expect(code).toBe(0);
      expect(out + err).toMatch(
        /\[rank 1\] warning: rank 0 of 2 is lost; the one that is left goes on from .*iter_\d+/,
      );
      expect(out).toMatch(/\[rank 1\] finished after/);
      const newest = checkpoints('killed').at(-1) ?? '';
      const { manifest } = await loadCheckpoint(join(folder, 'killed', newest));
      expect(manifest).toMatchObject({ epoch: 12, ranks: 1 });
      const more = launch('killed', '--resume', '--set', 'trainConfig.maxEpochs=13');
      const resumed = await omma(more);
      expect([resumed.code, resumed.out]).toEqual([0, expect.stringContaining('resumed from')]);
    },
  );

  it.skipIf(cpu !== true)(
    'what two ranks began goes on with one, then with four, as one that never stopped',
    async () => {
      const run = async (work: string, ranks: number, epochs: number, ...more: readonly string[]) => {
        const train = ['train', config, '--work-dir', join(folder, work), '--device', 'cpu', ...more];
        const settings = [`trainDataloader.batchSize=${4 / ranks}`, `trainConfig.maxEpochs=${epochs}`];
        const options = ['syncBn=true', 'defaultHooks.logger.interval=1', ...settings].flatMap((one) => [
          '--set',
          one,
        ]);
        const how = ranks === 1 ? [] : ['launch', '-n', `${ranks}`];
        const { code, err } = await omma([...how, ...train, ...options]);
        expect([code, err]).toEqual([0, expect.not.stringMatching(/error|come twice/)]);
      };
      await run('whole', 1, 6);
      await run('parts', 2, 2);
      await run('parts', 1, 4, '--resume');
      await run('parts', 4, 6, '--resume');
      const [whole, parts] = [losses('whole'), losses('parts')];
      expect(parts).toHaveLength(12);
      // Steps whose gradients are sums over 4 pictures of 64 pixels: 2^-24 times the root of the terms each.
      for (const [i, loss] of parts.entries())
        expect(Math.abs(loss - (whole[i] ?? Number.NaN)) / loss).toBeLessThan(
          12 * 2 ** -24 * Math.sqrt(4 * 64),
        );
    },
  );

  it('Ctrl-C stops all ranks after the same step, with a checkpoint', async () => {
    let interrupted = false;
    const args = launch('interrupted', '--set', 'trainConfig.maxEpochs=2000');
    const { code, out, err } = await omma(args, (child, said) => {
      if (interrupted || !said.includes('epoch    1/2000')) return;
      interrupted = true;
      child.kill('SIGINT');
    });
    expect([code, out]).toEqual([130, expect.stringContaining('interrupted after')]);
    expect(err).toContain('interrupted: saving a checkpoint');
    expect(checkpoints('interrupted').length).toBeGreaterThan(0);
  });

  it('a mistake is said by rank 0 and ends all', async () => {
    const { code, err } = await omma(launch('wrong', '--device', 'nonsense'));
    expect(code).toBe(1);
    expect(err).toMatch(/^error: device: no device is called nonsense/m);
  });

  it.each([
    [
      ['launch', '-n', '2', 'predict', 'x'],
      1,
      /launch: train and test run in several processes, predict does not/,
    ],
    [['launch', 'train', 'x'], 2, /required option '-n, --processes <n>' not specified/],
    [
      ['launch', '-n', '2', '--nodes', '2', 'train', 'x'],
      1,
      /several machines need --master-addr and --master-port/,
    ],
    [['launch', '-n', '2', '--node-rank', '1', 'train', 'x'], 1, /--node-rank must be below --nodes/],
  ])('%j is refused', async (args, code, message) => {
    const ended = await omma(args);
    expect(ended.code).toBe(code);
    expect(ended.err).toMatch(message);
  });
});
