/** The program as a stranger meets it: started as a process, on a tiny model and tiny pictures, with good input and with bad. */

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostTensor } from '@omma/core';
import { readPicture } from '@omma/cv';
import { openOnnx } from '@omma/onnx';
import { beforeAll, describe, expect, it } from 'vitest';
import { drawPictures, runOmma, tinyDataset, tinyModel } from './support/tinyProject.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-cli-'));
const config = join(folder, 'tiny.json');
const data = join(folder, 'data');
const work = join(folder, 'work');

const omma = (...args: string[]) => runOmma(args, { cwd: folder });

const dataset = (split: 'train' | 'val') => tinyDataset('no/such/folder', split);

beforeAll(async () => {
  const classes = { 'blue & green': ['#0040c0', '#0040c0e0'], red: ['#c02000', '#c02000e0'] };
  for (const split of ['train', 'val'])
    await drawPictures(join(data, split), classes, { width: 20, height: 16 });
  const tiny = {
    model: tinyModel,
    trainDataloader: { dataset: dataset('train'), batchSize: 4 },
    valDataloader: { dataset: dataset('val'), batchSize: 4 },
    valEvaluator: [{ type: 'Accuracy', topk: [1] }],
    optimWrapper: { optimizer: { type: 'SGD', lr: 0.05, momentum: 0.9 } },
    trainConfig: { maxEpochs: 3 },
    device: 'reference',
  };
  writeFileSync(config, JSON.stringify(tiny));
});

const checkpoint = () =>
  join(
    work,
    readdirSync(work)
      .filter((name) => name.startsWith('iter_'))
      .sort()
      .at(-1) ?? 'none',
  );

describe('omma', () => {
  it('shows its commands, and its version', () => {
    const help = omma('--help');
    expect(help.code).toBe(0);
    for (const name of ['train', 'test', 'predict', 'export', 'devices'])
      expect(help.out).toContain(`  ${name} `);
    expect(omma('--version').out.trim()).toBe('0.1.0');
  });

  it('answers wrong usage with one line and exit code 2', () => {
    for (const args of [
      ['trane'],
      ['train'],
      ['train', config, '--seed', 'x'],
      ['train', config, '--amp', 'int4'],
      ['train', config, '--epochs', '3'],
      ['export', 'x', '--opset', '12'],
    ]) {
      const { code, err } = omma(...args);
      expect([args.join(' '), code]).toEqual([args.join(' '), 2]);
      expect(err).toMatch(/^error: .*--help shows the usage\n$/);
    }
  });

  it('lists devices as a table and as JSON', () => {
    expect(omma('devices').out).toMatch(/^device +available +mixed precision +description\n/);
    const parsed: unknown = JSON.parse(omma('devices', '--json').out);
    expect(parsed).toContainEqual(expect.objectContaining({ name: 'reference', available: true }));
  });

  it('says that auto takes onnx where the addon of cpu is not built, and why', () => {
    process.env.OMMA_CPU_ADDON = join(folder, 'none.node');
    const { out } = omma('devices');
    delete process.env.OMMA_CPU_ADDON;
    expect(out).toMatch(/^cpu +no +- +its addon is not built; run `npm run build:native`/m);
    expect(out).toMatch(/^onnx +yes, auto +- +ONNX Runtime \d/m);
  });
});

describe('omma train', () => {
  it('trains, with one line an epoch when piped, and leaves a checkpoint', () => {
    const { code, out, err } = omma('train', config, '--data', data, '--work-dir', work, '--seed', '3');
    expect([code, err]).toEqual([0, '']);
    expect(out.match(/^epoch [123]\/3 {2}loss /gm)).toHaveLength(3);
    expect(out.match(/^ {2}accuracy\/top1 /gm)).toHaveLength(3);
    expect(out).toMatch(/finished after .*\ncheckpoint .*\.safetensors\n$/);
    expect(out).not.toContain('\x1b');
  });

  it('tries a run out with --check, and writes nothing', () => {
    const none = join(folder, 'none');
    const { code, out } = omma('train', config, '--data', data, '--work-dir', none, '--check');
    expect(code).toBe(0);
    expect(out).toMatch(/^training +\d+ samples, \d+ steps of 4/m);
    expect(out).toMatch(/^evaluations +3 of /m);
    expect(out).toMatch(/^whole run +about /m);
    expect(readdirSync(folder)).not.toContain('none');
    const { memory } = JSON.parse(omma('train', config, '--data', data, '--check', '--json').out);
    expect(memory.state).toBeGreaterThan(0);
  });

  it('looks for a learning rate', () => {
    const svg = join(folder, 'lr.svg');
    const args = ['--data', data, '--steps', '12', '--start', '1e-4', '--svg', svg];
    const { code, out } = omma('lr-find', config, ...args);
    expect(code).toBe(0);
    expect(out).toContain('loss over learning rate\n');
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg .*learning rate/s);
    expect(out).toMatch(/^ +lr +loss +smoothed\n/);
    expect(out).toMatch(/^no suggestion: \d+ points are too few to tell a slope from noise/m);
    expect(omma('lr-find', config, '--start', '-1').code).toBe(2);
  });

  it('prints only the result with --json', () => {
    const { code, out } = omma(
      'train',
      config,
      '--data',
      data,
      '--work-dir',
      join(folder, 'json'),
      '--json',
      '--set',
      'trainConfig.maxEpochs=1',
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      reason: 'finished',
      metrics: { 'accuracy/top1': expect.any(Number) },
    });
  });

  it('goes on where it was with --resume', () => {
    const { code, out } = omma(
      'train',
      config,
      '--data',
      data,
      '--work-dir',
      work,
      '--seed',
      '3',
      '--resume',
      '--set',
      'trainConfig.maxEpochs=4',
    );
    expect(code).toBe(0);
    expect(out).toMatch(/resumed from .* at epoch 4/);
    expect(out.match(/^epoch /gm)).toHaveLength(1);
  });

  it('says in one line what is wrong, exits with 1, and leaves nothing behind', () => {
    const wrong: [string[], RegExp][] = [
      [['no.json'], /^error: no\.json: cannot read the config/],
      [[config], /^error: ImageFolder: folder no\/such\/folder does not exist/],
      [[config, '--data', data, '--device', 'npu'], /^error: device: no device is called npu; known: auto, /],
      [
        [config, '--data', data, '--set', 'optimWrapper.optimizer.lr'],
        /^error: --set optimWrapper\.optimizer\.lr: expected path=value/,
      ],
      [[config, '--data', data, '--set', 'model.backbone.type=RezNet'], /RezNet.*did you mean ResNet\?/],
      [[config, '--data', data, '--set', 'trainConfig.maxEpoch=4'], /maxEpoch/],
      [[config, '--data', data, '--resume', 'no.safetensors'], /^error: no\.safetensors: cannot be read/],
    ];
    for (const [args, message] of wrong) {
      const { code, err } = omma('train', ...args, '--work-dir', join(folder, 'untouched'));
      expect([args.join(' '), code]).toEqual([args.join(' '), 1]);
      expect(err).toMatch(message);
      expect(err.trim().split('\n')).toHaveLength(1);
    }
    const left = existsSync(join(folder, 'untouched')) ? readdirSync(join(folder, 'untouched')) : [];
    expect(left.filter((name) => name.includes('safetensors'))).toEqual([]);
  });

  it('counts the pictures that it had to skip: no pictures, empty files, files that break off', async () => {
    const spoiled = join(data, 'train', 'red', 'spoiled.jpg');
    writeFileSync(spoiled, 'no picture');
    const [empty, cut] = [join(data, 'train', 'red', 'empty.png'), join(data, 'train', 'red', 'cut.png')];
    writeFileSync(empty, '');
    writeFileSync(cut, readFileSync(join(data, 'train', 'red', '0.png')).subarray(0, 60));
    const { code, out } = omma(
      'train',
      config,
      '--data',
      data,
      '--work-dir',
      join(folder, 'skip'),
      '--set',
      'trainConfig.maxEpochs=1',
      // All of them in one batch, so that none is left out.
      '--set',
      'trainDataloader.batchSize=11',
    );
    for (const path of [empty, cut]) rmSync(path);
    expect(code).toBe(0);
    expect(out).toMatch(/3 samples skipped/);
    expect(out).toMatch(/skipped .*spoiled\.jpg: .*not a known picture format/);
    expect(out).toMatch(/skipped .*empty\.png: /);
    expect(out).toMatch(/skipped .*cut\.png: /);
    const strict = omma(
      'train',
      config,
      '--data',
      data,
      '--work-dir',
      join(folder, 'strict'),
      '--set',
      'trainDataloader.onCorrupt=stop',
    );
    rmSync(spoiled);
    expect(strict.code).toBe(1);
    expect(strict.err).toMatch(/spoiled\.jpg/);
  });
});

describe('omma data check', () => {
  it('finds what is wrong, exits with 1, and with 0 where nothing is', () => {
    const spoiled = join(data, 'train', 'red', 'spoiled.jpg');
    writeFileSync(spoiled, 'no picture');
    const found = omma('data', 'check', config, '--data', data);
    const json: unknown = JSON.parse(omma('data', 'check', config, '--data', data, '--json').out);
    rmSync(spoiled);
    expect(found.code).toBe(1);
    expect(found.out).toMatch(/^trainDataloader {2}ImageFolder, 9 samples, 1 problem$/m);
    expect(found.out).toMatch(/pictures that cannot be decoded: 1\n.*spoiled\.jpg/);
    expect(json).toMatchObject({ datasets: [{ problems: [{ kind: 'unreadable', name: spoiled }] }, {}] });
    const good = omma('data', 'check', config, '--data', data, '--quick');
    expect([good.code, good.out.match(/nothing is wrong/g)?.length]).toEqual([0, 2]);
    const none = omma('data', 'check', config, '--data', join(folder, 'nowhere'));
    expect([none.code, none.out]).toEqual([1, expect.stringMatching(/nowhere does not exist/)]);
  });
});

describe('omma data index', () => {
  it('writes an index that a config reads from, and says what it cannot read', () => {
    const shards = join(folder, 'shards');
    mkdirSync(shards);
    const archives = (['train', 'val'] as const).map((split) => {
      const path = join(shards, `${split}.tar`);
      expect(spawnSync('tar', ['-cf', path, '-C', join(data, split), '.']).status).toBe(0);
      const index = omma('data', 'index', path, '--out', join(shards, `${split}.index.json`), '--json');
      expect([index.code, JSON.parse(index.out)]).toMatchObject([0, { samples: 8, classes: 2, archives: 1 }]);
      const { transforms } = dataset(split);
      return { type: 'ImageArchive', root: shards, index: `${split}.index.json`, transforms };
    });
    const [train, val] = archives.map((dataset) => JSON.stringify(dataset));
    const sets = ['--set', `trainDataloader.dataset=${train}`, '--set', `valDataloader.dataset=${val}`];
    const checked = omma('data', 'check', config, ...sets);
    expect([checked.code, checked.out.match(/ImageArchive, 8 samples, .*nothing is wrong/g)?.length]).toEqual(
      [0, 2],
    );
    const away = omma('data', 'index', 'http://nowhere.invalid/a.tar', '--out', join(shards, 'x.json'));
    expect(away.code).toBe(1);
    expect(away.err.trim()).toMatch(
      /(^|\n|\r|\S )error: http:\/\/nowhere\.invalid\/a\.tar cannot be reached: [^\n]*$/,
    );
    const none = omma('data', 'index', join(shards, 'none-{0..1}.tar'), '--out', join(shards, 'x.json'));
    expect([none.code, none.err]).toEqual([
      1,
      expect.stringMatching(/none-0\.tar: cannot be read \(ENOENT\)/),
    ]);
  });
});

describe('omma test', () => {
  it('writes predictions that omma eval finds the same metrics in, and pictures with them', () => {
    const [results, pictures] = [join(folder, 'results.safetensors'), join(folder, 'pictures')];
    const more = ['--dump', results, '--show-dir', pictures, '--json'];
    const { code, out } = omma('test', config, checkpoint(), '--data', data, ...more);
    expect(code).toBe(0);
    const { metrics, samples } = JSON.parse(omma('eval', config, results, '--json').out);
    expect({ metrics, samples }).toEqual({
      metrics: JSON.parse(out).metrics,
      samples: JSON.parse(out).samples,
    });
    expect(readdirSync(pictures)).toHaveLength(samples);
    expect(readdirSync(join(work, 'vis_data', 'vis_image')).length).toBeGreaterThan(0);
  });

  it('refuses another name for predictions before anything is read', () => {
    const { code, err } = omma('test', config, join(folder, 'nothing.ckpt'), '--dump', 'res.pkl');
    expect([code, err.trim()]).toEqual([
      1,
      expect.stringMatching(/--dump res\.pkl: expected a name that ends in \.safetensors$/),
    ]);
    expect(err.trim()).not.toContain('\n');
  });

  it('prints the metrics of a checkpoint', () => {
    const { code, out } = omma('test', config, checkpoint(), '--data', data);
    expect(code).toBe(0);
    expect(out).toMatch(/^metric +value\naccuracy\/top1 +[\d.]+\n8 samples in /);
    const tta = ['--tta', '--set', 'ttaModel={"type":"AverageClsScoreTTA"}'];
    expect(omma('test', config, checkpoint(), '--data', data, ...tta).out).toContain('accuracy/top1');
    expect(omma('test', config, checkpoint(), '--data', data, '--tta').err).toMatch(
      /has no ttaModel; add one/,
    );
    const parsed: unknown = JSON.parse(omma('test', config, checkpoint(), '--data', data, '--json').out);
    expect(parsed).toMatchObject({
      samples: 8,
      details: { confusionMatrix: [[expect.any(Number), expect.any(Number)], expect.anything()] },
    });
  });

  it('refuses a checkpoint of another model, with every name that does not fit', () => {
    const { code, err } = omma(
      'test',
      config,
      checkpoint(),
      '--data',
      data,
      '--set',
      'model.head.numClasses=3',
    );
    expect(code).toBe(1);
    expect(err).toMatch(/does not fit the model; shapes differ: head\.fc\.bias: .*; head\.fc\.weight/);
  });
});

describe('omma predict', () => {
  const red = () => join(data, 'val', 'red', '0.png');

  it('prints a table a picture and writes it with its label', async () => {
    const out = join(folder, 'labelled');
    const result = omma(
      'predict',
      checkpoint(),
      red(),
      join(data, 'val', 'blue & green', '0.png'),
      '--out',
      out,
      '--device',
      'reference',
    );
    expect([result.code, result.err]).toEqual([0, '']);
    expect(result.out).toMatch(/red\/0\.png\n *1 {2}(red|blue & green) +[\d.]+ %/);
    expect(readdirSync(out).sort()).toEqual(['0-2.png', '0.png']);
    expect((await readPicture(join(out, '0.png'))).width).toBe(20);
  });

  it('prints JSON', () => {
    const { out } = omma('predict', checkpoint(), red(), '--json', '--top', '1', '--device', 'reference');
    expect(JSON.parse(out)).toEqual([
      {
        image: red(),
        predictions: [
          { class: expect.any(String), label: expect.any(Number), probability: expect.any(Number) },
        ],
      },
    ]);
  });

  it('takes folders of pictures, and says where one has none', () => {
    const { out } = omma('predict', checkpoint(), join(data, 'val'), '--json', '--device', 'reference');
    expect(JSON.parse(out)).toHaveLength(8);
    const none = join(folder, 'no pictures');
    mkdirSync(none);
    expect(omma('predict', checkpoint(), none).err).toMatch(
      /no pictures: expected pictures \(\.jpg, .*\), found an empty folder; name another folder/,
    );
  });

  it('names the picture or the checkpoint that it cannot read', () => {
    const broken = join(folder, 'broken.jpg');
    writeFileSync(broken, 'broken');
    const out = join(folder, 'nothing');
    const { code, err } = omma('predict', checkpoint(), red(), broken, '--out', out, '--device', 'reference');
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^error: image .*broken\.jpg cannot be decoded: .*\n$/),
    ]);
    expect(existsSync(out)).toBe(false);
    expect(omma('predict', 'none.safetensors', red()).err).toMatch(
      /^error: none\.safetensors: cannot be read/,
    );
    const damaged = join(folder, 'damaged.safetensors');
    const bytes = readFileSync(checkpoint());
    bytes[bytes.length - 5] = (bytes.at(-5) ?? 0) ^ 0xff;
    writeFileSync(damaged, bytes);
    expect(omma('predict', damaged, red()).err).toMatch(
      /damaged\.safetensors: the file does not match its checksum/,
    );
  });
});

describe('omma export', () => {
  it('writes a model for any batch size, checks it, and says how far it is off', async () => {
    const file = join(folder, 'tiny.onnx');
    const { code, out } = omma('export', checkpoint(), '--out', file, '--device', 'reference');
    expect(code).toBe(0);
    expect(out).toMatch(
      /tiny\.onnx {2}.*opset 17, any batch size\nchecked with ONNX Runtime: largest difference \d/,
    );
    const model = await openOnnx(readFileSync(file));
    for (const batch of [1, 3]) {
      const { probabilities } = await model.run({
        image: hostTensor([batch, 8, 8, 3], 'uint8', new Uint8Array(batch * 192)),
      });
      expect(probabilities?.shape).toEqual([batch, 2]);
    }
    await model.dispose();
  });

  it('writes opset 13 and a fixed batch on request, beside the checkpoint unless told otherwise', () => {
    const { code, out } = omma(
      'export',
      checkpoint(),
      '--opset',
      '13',
      '--batch-size',
      '2',
      '--json',
      '--device',
      'reference',
    );
    expect(code).toBe(0);
    const file = checkpoint().replace('.safetensors', '.onnx');
    expect(JSON.parse(out)).toMatchObject({ file, opset: 13, batchSize: 2, difference: expect.any(Number) });
    expect(existsSync(file)).toBe(true);
  });

  it('writes nothing where it cannot', () => {
    const { code, err } = omma(
      'export',
      checkpoint(),
      '--out',
      join(checkpoint(), 'm.onnx'),
      '--device',
      'reference',
    );
    expect([code, err.trim().split('\n').length]).toEqual([1, 1]);
    expect(err).toMatch(/m\.onnx: cannot write/);
  });
});
