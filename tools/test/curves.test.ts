/** One config on several devices: the same loss curve but for rounding, and a curve that is another one is noticed. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@omma/ascend';
import '@omma/classification';
import '@omma/cpu';
import '@omma/onnx';
import { type Config, checkConfig } from '@omma/engine';
import { HostRandom } from '@omma/nn';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingInSimulator, simulatorHome } from '../../packages/ascend/test/support/simulator.ts';
import { compareCurves } from '../src/curves/compare.ts';
import { type Curve, trainingCurve } from '../src/curves/curve.ts';
import { formatCurves } from '../src/curves/table.ts';

const missing = missingInSimulator('lib64/libascendcl.so', 'bin/atc');
const folder = mkdtempSync(join(tmpdir(), 'omma-curves-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Noise with a tint that tells the class: not learned in a few steps. */
async function drawPictures(): Promise<void> {
  for (const [label, name] of ['a', 'b'].entries()) {
    mkdirSync(join(folder, 'train', name), { recursive: true });
    for (let i = 0; i < 8; i++) {
      const noise = new HostRandom(label, i).uniform(16 * 16 * 3);
      const pixels = Buffer.from(noise.map((value, at) => 200 * value + (at % 3 === label ? 55 : 0)));
      const raw = { width: 16, height: 16, channels: 3 } as const;
      await sharp(pixels, { raw })
        .png()
        .toFile(join(folder, 'train', name, `${i}.png`));
    }
  }
}

function config(lr: number): Config {
  const dataset = { type: 'ImageFolder', root: folder, split: 'train', transforms: [{ type: 'RandomFlip' }] };
  const loader = { dataset, batchSize: 4 };
  const narrow = { stem: 'cifar', stemChannels: 8, baseChannels: 8 };
  return checkConfig({
    model: {
      type: 'ImageClassifier',
      backbone: { type: 'ResNet', depth: 18, ...narrow },
      head: { type: 'LinearClsHead', numClasses: 2 },
    },
    trainDataloader: loader,
    valDataloader: loader,
    valEvaluator: [{ type: 'Accuracy', topk: [1] }],
    optimWrapper: { optimizer: { type: 'SGD', lr, momentum: 0.9 } },
    trainConfig: { maxEpochs: 2 },
  });
}

describe('the loss curve of a config', () => {
  let base: Curve;
  let moved: Curve[];
  beforeAll(async () => {
    process.env.ASCEND_TOOLKIT_HOME = simulatorHome;
    process.env.OMMA_ASCEND_CACHE = join(folder, 'cache');
    process.env.OMMA_ASCEND_SIM_SOC = 'Ascend910B3';
    await drawPictures();
    base = await trainingCurve(config(0.02), 'cpu', null);
    moved = [await trainingCurve(config(0.02), 'cpu', 0), await trainingCurve(config(0.02), 'cpu', 1)];
  }, 60_000);

  it.for([
    ['onnx', null],
    ['ascend', missing],
  ] as const)(
    'is the same on %s as on cpu, but for what rounding makes of it',
    async ([device, gap], { skip }) => {
      if (gap !== null) skip(gap);
      const comparison = compareCurves(base, moved, await trainingCurve(config(0.02), device, null));
      expect(comparison).toMatchObject({ same: true, device });
      expect(comparison.first).toBeLessThan(1e-5);
      expect(formatCurves([base], [comparison])).toContain(`${device}: the same curve; first step off by `);
    },
  );

  it('is another one with a learning rate that is one percent higher', async () => {
    const other = await trainingCurve(config(0.0202), 'cpu', null);
    expect(compareCurves(base, moved, other).same).toBe(false);
  });

  it('and one that ends early, or is no number somewhere, is not the same', () => {
    const short = { ...base, losses: base.losses.slice(1) };
    const broken = { ...base, losses: base.losses.map((loss, i) => (i === 2 ? Number.NaN : loss)) };
    for (const other of [short, broken]) expect(compareCurves(base, moved, other).same).toBe(false);
    expect(compareCurves(base, moved, base)).toMatchObject({ same: true, worst: 0, largest: 0 });
  });
});
