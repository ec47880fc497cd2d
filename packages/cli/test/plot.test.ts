/** `omma plot schedule` and `omma config params`: what a config's schedules and parameter groups come to, without data and without training. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'omma-plot-'));
const config = join(folder, 'run.json');
writeFileSync(
  config,
  JSON.stringify({
    model: {
      type: 'ImageClassifier',
      backbone: { type: 'ResNet', depth: 50 },
      neck: { type: 'GlobalAveragePooling' },
      head: { type: 'LinearClsHead', numClasses: 2, inChannels: 2048 },
    },
    trainDataloader: {
      dataset: { type: 'ImageFolder', root: join(folder, 'none'), split: 'train', transforms: [] },
      batchSize: 4,
    },
    optimWrapper: {
      optimizer: { type: 'AdamW', lr: 0.01, weightDecay: 0.05 },
      paramwiseConfig: { layerDecayRate: 0.5, normDecayMult: 0, biasDecayMult: 0 },
    },
    paramScheduler: [
      { type: 'LinearLR', startFactor: 0.1, end: 2, convertToIterBased: true },
      { type: 'CosineAnnealingLR', begin: 2, etaMin: 0.001, convertToIterBased: true },
      { type: 'LinearMomentum', startFactor: 0.9 },
      { type: 'ReduceOnPlateauLR', monitor: 'accuracy/top1' },
    ],
    trainConfig: { maxEpochs: 6 },
  }),
);

const program = join(import.meta.dirname, '../bin/omma.js');

/** What the program prints, or its error. */
function printed(...args: string[]): string {
  const env = { ...process.env, NO_COLOR: '1' };
  const run = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env });
  return run.status === 0 ? run.stdout : run.stderr;
}

describe('omma plot schedule', () => {
  it('draws the learning rate, and momentum where it moves, and says what it cannot know', () => {
    const text = printed('plot', 'schedule', config, '--epoch-length', '10');
    expect(text).toMatch(/^learning rate over epoch\n/);
    expect(text).toMatch(/of 0\.01000: 0\.001000 at first, 0\.01000 at most, 0\.001\d+ at last/);
    expect(text).toMatch(/\nmomentum over epoch\n/);
    expect(text).not.toMatch(/weight decay over/);
    expect(text).toMatch(/ReduceOnPlateau schedule waits for a metric/);
  });

  it('names the part of the model whose optimiser has a curve', () => {
    const part = 'optimWrapper.optimizers={"head": {"type": "AdamW", "lr": 0.003}}';
    const text = printed('plot', 'schedule', config, '--epoch-length', '10', '--set', part);
    expect(text).toMatch(/\nhead of 0\.003000: 0\.003000 at first, 0\.003000 at most, 0\.003000 at last/);
  });

  it('writes an SVG file a chart', () => {
    const svg = join(folder, 'plot.svg');
    printed('plot', 'schedule', config, '--epoch-length', '10', '--svg', svg);
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg .*learning rate/s);
    expect(readFileSync(join(folder, 'plot.momentum.svg'), 'utf8')).toMatch(/^<svg .*momentum/s);
  });

  it('gives every value as JSON, group by group', () => {
    const text = printed('plot', 'schedule', config, '--epoch-length', '10', '--json');
    const { maxIterations, curves } = JSON.parse(text);
    expect(maxIterations).toBe(60);
    expect(curves.map((curve: { name: string }) => curve.name)).toEqual([
      'lr',
      ...[1, 2, 3, 4, 5, 6, 7].map((i) => `lr.${i}`),
      'momentum',
    ]);
    expect(curves[0].values).toHaveLength(60);
    // Stem: seven layers below the head, and it ends where all groups do.
    expect(curves[1].initial).toBe(0.01 * 0.5 ** 7);
  });

  it('says how to do without the data when they are not there', () => {
    expect(printed('plot', 'schedule', config)).toMatch(
      /none does not exist.*; or give the iterations an epoch with --epoch-length/,
    );
  });
});

describe('omma config params', () => {
  it('lists groups, or every parameter', () => {
    const groups = printed('config', 'params', config);
    expect(groups).toMatch(/^ +lr +weight decay +tensors +numbers +parameters\n/);
    expect(groups).toMatch(/7\.8e-5 +0\.05000 +1 +9408 +backbone\.conv1\.weight\n/);
    expect(groups).toMatch(/0\.01000 +0 +1 +2 +head\.fc\.bias\n$/);
    const all = printed('config', 'params', config, '--all');
    expect(all).toMatch(/backbone\.layer4\.2\.bn3\.weight +2048 +0\.005000 +0\n/);
  });
});
