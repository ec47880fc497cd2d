/**
 * The commands on an Ascend chip, which the simulator plays: training, offline models with a fixed batch and with gears, predictions from them, the
 * examination of a machine.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const simulator = fileURLToPath(new URL('../../ascend/simulator/build', import.meta.url));
const missing = ['lib64/libascendcl.so', 'bin/atc'].every((file) => existsSync(join(simulator, file)))
  ? null
  : 'the simulator is not built: node scripts/setup.mjs builds it';
const folder = mkdtempSync(join(tmpdir(), 'omma-ascend-cli-'));
const data = join(folder, 'data');
const config = join(folder, 'tiny.json');
const work = join(folder, 'work');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let fault = '';

function omma(...args: string[]): { code: number | null; out: string; err: string } {
  const program = fileURLToPath(new URL('../bin/omma.js', import.meta.url));
  const env = {
    ...process.env,
    NO_COLOR: '1',
    ASCEND_TOOLKIT_HOME: simulator,
    OMMA_ASCEND_CACHE: join(folder, 'cache'),
    OMMA_ASCEND_SIM_SOC: 'Ascend910B3',
    OMMA_ASCEND_SIM_FAULT: fault,
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    env,
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

const picture = (split: string, name: string, i: number) => join(data, split, name, `${i}.png`);

beforeAll(async () => {
  for (const split of ['train', 'val']) {
    for (const [name, background] of [
      ['blue', '#0040c0'],
      ['red', '#c02000'],
    ] as const) {
      mkdirSync(join(data, split, name), { recursive: true });
      for (let i = 0; i < 4; i++) {
        await sharp({ create: { width: 16 + i, height: 16, channels: 3, background } })
          .png()
          .toFile(picture(split, name, i));
      }
    }
  }
  const loader = (split: string) => ({
    dataset: { type: 'ImageFolder', root: data, split, transforms: [{ type: 'Resize', size: [8, 8] }] },
    batchSize: 4,
  });
  const backbone = {
    type: 'ResNet',
    depth: 18,
    stem: 'cifar',
    stemChannels: 4,
    baseChannels: 4,
    numStages: 1,
  };
  const tiny = {
    model: {
      type: 'ImageClassifier',
      backbone: { ...backbone, strides: [1], dilations: [1], outIndices: [0] },
      head: { type: 'LinearClsHead', numClasses: 2 },
    },
    trainDataloader: loader('train'),
    valDataloader: loader('val'),
    valEvaluator: [{ type: 'Accuracy', topk: [1] }],
    optimWrapper: { optimizer: { type: 'SGD', lr: 0.05, momentum: 0.9 } },
    trainConfig: { maxEpochs: 3 },
    defaultHooks: { logger: { interval: 1 } },
  };
  writeFileSync(config, JSON.stringify(tiny));
});

interface Prediction {
  readonly predictions: readonly { readonly class: string; readonly probability: number }[];
}

function predictions(model: string, device: string): Prediction[] {
  const pictures = [picture('val', 'blue', 0), picture('val', 'red', 1), picture('val', 'blue', 2)];
  const { code, out, err } = omma('predict', model, ...pictures, '--json', '--device', device);
  expect(err).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out);
}

function expectSame(found: readonly Prediction[], expected: readonly Prediction[]): void {
  expected.forEach(({ predictions: wanted }, i) => {
    wanted.forEach((guess, place) => {
      const own = found[i]?.predictions[place];
      expect(own?.class).toBe(guess.class);
      expect(own?.probability).toBeCloseTo(guess.probability, 4);
    });
  });
}

describe.skipIf(missing !== null)(missing ?? 'omma on an Ascend chip', () => {
  const checkpoint = join(work, 'best.safetensors');

  it('trains with the losses of the reference device', { timeout: 120_000 }, () => {
    const losses = (device: string, dir: string) => {
      const { code, err } = omma(
        'train',
        config,
        '--device',
        device,
        '--work-dir',
        dir,
        '--seed',
        '3',
        '--json',
      );
      expect(code, err).toBe(0);
      return readFileSync(join(dir, 'log.jsonl'), 'utf8')
        .split('\n')
        .flatMap((line) => /"loss":([-\d.e]+)/.exec(line)?.[1] ?? [])
        .map(Number);
    };
    const found = losses('ascend', work);
    const expected = losses('reference', join(folder, 'reference'));
    expect(found.length).toBeGreaterThan(0);
    expect(found).toHaveLength(expected.length);
    found.forEach((loss, i) => {
      expect(loss).toBeCloseTo(expected[i] ?? Number.NaN, 3);
    });
  });

  it('exports an offline model that predicts as the checkpoint does', { timeout: 120_000 }, () => {
    const model = join(folder, 'fixed.om');
    const { code, out, err } = omma(
      'export',
      checkpoint,
      '--format',
      'om',
      '--batch-size',
      '2',
      '--out',
      model,
    );
    expect(code, err).toBe(0);
    expect(out).toContain('for Ascend910B3, precision origin, batch size 2');
    expectSame(predictions(model, 'ascend'), predictions(checkpoint, 'reference'));
  });

  it('and one with batch sizes to choose from', { timeout: 120_000 }, () => {
    const model = join(folder, 'gears.om');
    const chip = ['--soc-version', 'Ascend910B3'];
    const { code, err } = omma(
      'export',
      checkpoint,
      '--format',
      'om',
      '--dynamic-batch',
      '1,4',
      ...chip,
      '--out',
      model,
    );
    expect(code, err).toBe(0);
    expectSame(predictions(model, 'ascend'), predictions(checkpoint, 'reference'));
  });

  it('a chip that fails ends the run in a line that names the last checkpoint, from which it goes on', {
    timeout: 120_000,
  }, () => {
    const dir = join(folder, 'broken');
    const args = ['train', config, '--device', 'ascend', '--work-dir', dir, '--seed', '3'];
    // Three evaluations and two steps an epoch: the second epoch is under way.
    fault = 'kernel:6';
    const { code, err } = omma(...args);
    fault = '';
    expect(code).toBe(1);
    expect(err).toMatch(
      /error: ascend:0: a step failed.*507015.*; the run goes on from \S+\.safetensors with --resume\n$/,
    );
    expect(omma(...args, '--resume').code).toBe(0);
  });

  it('examines the machine and leaves a report', { timeout: 120_000 }, () => {
    const report = join(folder, 'report.txt');
    const { code, out } = omma('ascend', 'doctor', '--out', report);
    expect(out).toContain('all is well');
    expect(code).toBe(0);
    expect(readFileSync(report, 'utf8')).toMatch(/ok {4}ascend:0 3 training steps: losses /);
  });
});
