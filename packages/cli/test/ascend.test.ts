/**
 * The commands on an Ascend chip, which the simulator plays: training, offline models with fixed shapes, gears and AIPP, predictions from them and
 * their evaluation, the examination of a machine.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPictures, runOmma, tinyDataset, tinyModel } from './support/tinyProject.ts';

const simulator = fileURLToPath(new URL('../../ascend/simulator/build', import.meta.url));
const missing = ['lib64/libascendcl.so', 'bin/atc'].every((file) => existsSync(join(simulator, file)))
  ? null
  : 'the simulator is not built: node scripts/setup.mjs builds it';
const folder = mkdtempSync(join(tmpdir(), 'omma-ascend-cli-'));
const data = join(folder, 'data');
const config = join(folder, 'tiny.json');
const work = join(folder, 'work');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Beside the environment, for runs that are to fail. */
let faults: Readonly<Record<string, string>> = {};

function omma(...args: string[]) {
  const env = {
    ASCEND_TOOLKIT_HOME: simulator,
    OMMA_ASCEND_CACHE: join(folder, 'cache'),
    OMMA_ASCEND_SIM_SOC: 'Ascend910B3',
    ...faults,
  };
  return runOmma(args, { env });
}

const picture = (split: string, name: string, i: number) => join(data, split, name, `${i}.png`);

beforeAll(async () => {
  const classes = { blue: ['#0040c0'], red: ['#c02000'] };
  for (const split of ['train', 'val'])
    await drawPictures(join(data, split), classes, { width: 16, height: 16 });
  const loader = (split: 'train' | 'val') => ({ dataset: tinyDataset(data, split), batchSize: 4 });
  const tiny = {
    model: tinyModel,
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

function expectSame(found: readonly Prediction[], expected: readonly Prediction[], digits: number): void {
  expected.forEach(({ predictions: wanted }, i) => {
    wanted.forEach((guess, place) => {
      const own = found[i]?.predictions[place];
      expect(own?.class).toBe(guess.class);
      expect(own?.probability).toBeCloseTo(guess.probability, digits);
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

  /** Exports the checkpoint with `args`; the model and the one line that says what it is for. */
  function exported(name: string, ...args: string[]): { model: string; out: string } {
    const model = join(folder, `${name}.om`);
    const { code, out, err } = omma('export', checkpoint, '--format', 'om', ...args, '--out', model);
    expect(code, err).toBe(0);
    return { model, out };
  }
  const chip = ['--soc-version', 'Ascend910B3'];
  let expected: Prediction[] | null = null;
  /** What the checkpoint itself says, in float64. */
  const expectedPredictions = () => {
    expected ??= predictions(checkpoint, 'reference');
    return expected;
  };

  it.for([
    ['a fixed batch, for the chip of this machine', ['--batch-size', '2'], 'batch size 2'],
    ['batch sizes to choose from', ['--dynamic-batch', '1,4', ...chip], 'batch sizes 1, 4'],
    [
      'picture sizes, which the host normalises',
      ['--dynamic-image-size', '8x8,12x10', ...chip],
      'batch size 1, pictures of 8x8, 12x10',
    ],
    [
      'shapes of all dimensions',
      ['--dynamic-dims', '1x8x8,4x8x8,2x12x10', ...chip],
      'shapes 1x8x8, 4x8x8, 2x12x10',
    ],
  ] as const)(
    'exports an offline model with %s, which predicts as the checkpoint does',
    {
      timeout: 120_000,
    },
    ([name, args, described]) => {
      const { model, out } = exported(name.replaceAll(' ', '-'), ...args);
      expect(out).toContain(`for Ascend910B3, precision origin, ${described}\n`);
      expectSame(predictions(model, 'ascend'), expectedPredictions(), 4);
    },
  );

  it.for([
    ['batch', ['--dynamic-batch', '1,4'], 'batch sizes 1, 4'],
    [
      'picture size',
      ['--dynamic-image-size', '8x8,12x10', '--batch-size', '2'],
      'batch size 2, pictures of 8x8, 12x10',
    ],
  ] as const)(
    'and one with a dynamic %s whose pictures the chip normalises by AIPP, in float16',
    {
      timeout: 120_000,
    },
    ([name, args, described]) => {
      const { model, out } = exported(`aipp-${name.replaceAll(' ', '-')}`, ...args, '--aipp', ...chip);
      expect(out).toContain(`${described}, normalised by AIPP\n`);
      expectSame(predictions(model, 'ascend'), expectedPredictions(), 2);
    },
  );

  it('evaluates an offline model on the data of a config as it does the checkpoint', {
    timeout: 120_000,
  }, () => {
    const { model } = exported('tested', '--dynamic-batch', '1,3', ...chip);
    const metrics = (source: string, device: string) => {
      const { code, out, err } = omma('test', config, source, '--device', device, '--json');
      expect(code, err).toBe(0);
      const { metrics, samples } = JSON.parse(out);
      return { metrics, samples };
    };
    expect(metrics(model, 'ascend')).toEqual(metrics(checkpoint, 'reference'));
    const more = omma(
      'test',
      config,
      model,
      '--set',
      'valDataloader.dataset.transforms=[{"type":"Resize","size":[16,16]}]',
    );
    expect(more.code).toBe(1);
    expect(more.err).toMatch(
      /tested\.om: takes uint8 pictures of 8 x 8 with 3 channels, but is given uint8 pictures of 16/,
    );
    const manifest = JSON.parse(readFileSync(`${model}.json`, 'utf8'));
    writeFileSync(`${model}.json`, JSON.stringify({ ...manifest, classes: ['cat', 'dog'] }));
    expect(omma('test', config, model).err).toMatch(
      /tested\.om: was exported for the classes cat, dog but the data set has blue, red; /,
    );
  });

  it('refuses options of an export that do not go together', () => {
    const refusal = (...args: string[]) =>
      omma('export', checkpoint, ...args, '--soc-version', 'Ascend910B3').err;
    const om = ['--format', 'om'];
    expect(refusal('--aipp')).toMatch(/--aipp are for offline models; add --format om/);
    expect(refusal(...om, '--aipp', '--dynamic-dims', '1x8x8,2x8x8')).toMatch(
      /does not take --aipp with --dynamic-dims/,
    );
    expect(refusal(...om, '--dynamic-image-size', '8x8x8')).toMatch(
      /Each must be 2 whole numbers with x between them/,
    );
    expect(refusal(...om, '--dynamic-batch', '1')).toMatch(/E10035.*less than the minimum 2/);
  });

  // Three evaluations and two steps an epoch: with the sixth execution the second epoch is under way, and a checkpoint of the first is there.
  it.for([
    [
      'a kernel that fails',
      { fault: 'kernel:6' },
      /a step failed.*state on the device is as before it.*507015/,
    ],
    [
      'a step that hangs',
      { fault: 'hang:6', OMMA_ASCEND_TIMEOUT: '1' },
      /within 1 s, .*OMMA_ASCEND_TIMEOUT.*507046.*given up/,
    ],
  ] as const)(
    '%s ends the run in a line that names the last checkpoint, from which it goes on',
    {
      timeout: 120_000,
    },
    ([name, { fault: wanted, ...settings }, said]) => {
      const dir = join(folder, name.replaceAll(' ', '-'));
      const args = ['train', config, '--device', 'ascend', '--work-dir', dir, '--seed', '3'];
      faults = { OMMA_ASCEND_SIM_FAULT: wanted, ...settings };
      const { code, err } = omma(...args);
      faults = {};
      expect(code).toBe(1);
      expect(err).toMatch(said);
      expect(err).toMatch(
        /^error: ascend:0: .*; the same command with --resume goes on from \S+\.safetensors\n$/,
      );
      expect(omma(...args, '--resume').code).toBe(0);
      const last = omma('test', config, join(dir, 'iter_0000000006.safetensors'), '--device', 'reference');
      expect(last.code).toBe(0);
    },
  );

  it.for([
    [
      'no device memory',
      { OMMA_ASCEND_SIM_FAULT: 'oom:5' },
      /out of memory: .*are wanted.*lower the batch size/,
    ],
    ['an atc that fails', { OMMA_ASCEND_SIM_FAULT: 'atc-fail' }, /atc \(Ascend910B3\): .*E[0-9A-Z]{5}: /],
    [
      'an atc that hangs',
      { OMMA_ASCEND_SIM_FAULT: 'atc-hang', OMMA_ASCEND_ATC_TIMEOUT: '1' },
      /atc did not end within 1 s and was stopped; .*OMMA_ASCEND_ATC_TIMEOUT/,
    ],
  ] as const)(
    '%s ends it before the first step, in a line that says what to do',
    {
      timeout: 120_000,
    },
    ([name, settings, said]) => {
      const dir = join(folder, name.replaceAll(' ', '-'));
      faults = { ...settings, OMMA_ASCEND_CACHE: join(dir, 'cache') };
      const { code, err } = omma('train', config, '--device', 'ascend', '--work-dir', dir);
      faults = {};
      expect(code).toBe(1);
      expect(err).toMatch(said);
      expect(err).toMatch(/^error: ascend:0: .*no checkpoint had been written yet, start it again\n$/);
    },
  );

  it('examines the machine and leaves a report', { timeout: 120_000 }, () => {
    const report = join(folder, 'report.txt');
    const { code, out } = omma('ascend', 'doctor', '--out', report);
    expect(out).toContain('all is well');
    expect(code).toBe(0);
    const text = readFileSync(report, 'utf8');
    expect(text).toMatch(/ok {4}ascend:0 3 training steps: losses /);
    expect(text).toMatch(
      /ok {4}HCCL, 2 devices: sum, broadcast and gathering are right; a sum of 25 MiB takes /,
    );
  });
});
