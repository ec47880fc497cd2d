/** The demo's training, fitted to the machine: a trial of a few steps tells how many epochs the time allows, and at which size. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageFolder } from '@omma/cv';
import { type Config, Runner } from '@omma/engine';

/** Seconds for training and its evaluations; the whole demo has four minutes. */
const trainingSeconds = 140;
const trialSteps = 6;
/** Larger sizes see more; a size is taken if it leaves time for this many epochs. */
const sizes = [96, 64, 48] as const;
const enoughEpochs = 10;
const mostEpochs = 24;

export interface Recipe {
  readonly config: Config;
  readonly size: number;
  readonly epochs: number;
  readonly classes: readonly string[];
}

/** Settles size and epochs for the pictures below `root`. */
export async function settleRecipe(
  root: string,
  workDir: string,
  device: string,
  say: (line: string) => void,
): Promise<Recipe> {
  const count = (split: 'train' | 'val') => new ImageFolder({ root, split, transforms: [] });
  const [train, val] = [count('train'), count('val')];
  let recipe: Recipe | null = null;
  for (const size of sizes) {
    const config = configFor(root, size, mostEpochs, train.classes.length, join(workDir, 'trial'), device);
    const rate = await trialRate(config);
    // Evaluation costs a third of training for the same picture; the first epoch also decodes.
    const perEpoch = (train.length + val.length / 3) / rate;
    const epochs = Math.max(2, Math.min(mostEpochs, Math.floor(trainingSeconds / perEpoch)));
    say(`${size} x ${size} pixels: ${rate.toFixed(0)} pictures a second, ${epochs} epochs fit`);
    if (recipe !== null && epochs <= recipe.epochs) break;
    recipe = {
      size,
      epochs,
      classes: train.classes,
      config: configFor(root, size, epochs, train.classes.length, workDir, device),
    };
    if (epochs >= enoughEpochs) break;
  }
  await rm(join(workDir, 'trial'), { recursive: true, force: true });
  if (recipe === null) throw new Error('no size to try');
  return recipe;
}

/** Pictures a second in a few training steps, the first one left out. */
async function trialRate(config: Config): Promise<number> {
  const enough = new AbortController();
  const times: number[] = [];
  const runner = await Runner.create(config, {
    signal: enough.signal,
    onEvent: (event) => {
      if (event.type !== 'iteration') return;
      times.push(performance.now());
      if (times.length === trialSteps) enough.abort();
    },
  });
  try {
    await runner.train();
  } finally {
    await runner.dispose();
  }
  const batch = config.trainDataloader?.batchSize ?? 1;
  const [first = 0] = times;
  const last = times.at(-1) ?? first;
  return (batch * Math.max(1, times.length - 1)) / Math.max(1e-3, (last - first) / 1000);
}

function configFor(
  root: string,
  size: number,
  epochs: number,
  classes: number,
  workDir: string,
  device: string,
): Config {
  const dataset = { type: 'ImageFolder', root } as const;
  return {
    model: {
      type: 'ImageClassifier',
      backbone: { type: 'ResNet', depth: 18 },
      head: { type: 'LinearClsHead', numClasses: classes, labelSmoothing: 0.05 },
    },
    trainDataloader: {
      dataset: {
        ...dataset,
        split: 'train',
        transforms: [{ type: 'RandomResizedCrop', size, scale: [0.5, 1] }, { type: 'RandomFlip' }],
      },
      batchSize: 32,
    },
    valDataloader: {
      dataset: {
        ...dataset,
        split: 'val',
        transforms: [
          { type: 'Resize', size: Math.round((size * 8) / 7) },
          { type: 'CenterCrop', size },
        ],
      },
      batchSize: 32,
    },
    valEvaluator: [{ type: 'Accuracy', topk: [1] }],
    optimWrapper: {
      optimizer: { type: 'SGD', lr: 0.02, momentum: 0.9, weightDecay: 5e-4, nesterov: true },
      clipGrad: { maxNorm: 5 },
      amp: 'auto',
    },
    paramScheduler: [{ type: 'OneCycleLR', etaMax: 0.03, byEpoch: false }],
    trainConfig: { maxEpochs: epochs },
    defaultHooks: { checkpoint: { maxKeep: 1 } },
    randomness: { seed: 1 },
    device,
    workDir,
  };
}
