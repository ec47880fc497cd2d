/** Whole training runs: what both sides are told, as one JSON argument, and the config that it means for Omma. */

import type { Config } from '@omma/engine';
import '@omma/classification';
import { isRecord } from './record.ts';

export const recipeNames = ['flowers', 'mnist'] as const;
export type RecipeName = (typeof recipeNames)[number];

export interface Recipe {
  readonly name: RecipeName;
  /** Folder of the data set. */
  readonly data: string;
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  readonly weightDecay: number;
  readonly labelSmoothing: number;
  /** Share of the run in which the learning rate rises linearly; a cosine takes it to 0 after that. */
  readonly warmUp: number;
  readonly threads: number;
  /** Ours only. */
  readonly device: string;
  /** Ours only: an empty folder for the log and the checkpoints. */
  readonly workDir: string;
}

/** What a recipe leaves open. */
export type Place = Pick<Recipe, 'data' | 'threads' | 'device' | 'workDir'>;

export function recipeFor(name: RecipeName, place: Place): Recipe {
  switch (name) {
    case 'flowers':
      return {
        name,
        epochs: 10,
        batch: 32,
        lr: 0.02,
        weightDecay: 1e-3,
        labelSmoothing: 0.1,
        warmUp: 0.1,
        ...place,
      };
    case 'mnist':
      return {
        name,
        epochs: 5,
        batch: 128,
        lr: 0.1,
        weightDecay: 5e-4,
        labelSmoothing: 0,
        warmUp: 0.2,
        ...place,
      };
  }
}

/** Reads a recipe back from a child's argument. */
export function parseRecipe(text: string | undefined): Recipe {
  const value: unknown = JSON.parse(text ?? 'null');
  const name = isRecord(value) ? recipeNames.find((known) => known === value.name) : undefined;
  if (!isRecord(value) || name === undefined) throw new Error('bench: the argument is no recipe');
  const { data, threads, device, workDir } = value;
  if (typeof data !== 'string' || typeof device !== 'string' || typeof workDir !== 'string') {
    throw new Error('bench: the recipe has no place');
  }
  return recipeFor(name, { data, device, workDir, threads: typeof threads === 'number' ? threads : 1 });
}

/** ResNet-18 from scratch on photos; a narrow ResNet-18 that halves its map three times on digits. */
export function configOf(recipe: Recipe): Config {
  const { epochs, batch, lr, weightDecay, warmUp, data, device, workDir } = recipe;
  const loader = { batchSize: batch };
  return {
    ...(recipe.name === 'flowers' ? flowers(recipe, data, loader) : mnist(recipe, data, loader)),
    valEvaluator: [{ type: 'Accuracy' }],
    optimWrapper: { optimizer: { type: 'SGD', lr, momentum: 0.9, weightDecay }, amp: 'auto' },
    paramScheduler: [
      { type: 'LinearLR', startFactor: 0.01, end: warmUp * epochs, convertToIterBased: true },
      { type: 'CosineAnnealingLR', begin: warmUp * epochs, end: epochs, convertToIterBased: true },
    ],
    trainConfig: { maxEpochs: epochs, valInterval: epochs },
    device,
    workDir,
  };
}

type Parts = Pick<Config, 'model' | 'trainDataloader' | 'valDataloader'>;

function flowers({ labelSmoothing }: Recipe, root: string, loader: { batchSize: number }): Parts {
  const dataset = (split: 'train' | 'val', transforms: readonly Transform[]) => ({
    ...loader,
    dataset: { type: 'ImageFolder', root, split, transforms } as const,
  });
  return {
    model: {
      type: 'ImageClassifier',
      backbone: { type: 'ResNet', depth: 18 },
      head: { type: 'LinearClsHead', numClasses: 5, labelSmoothing },
    },
    trainDataloader: dataset('train', [
      { type: 'RandomResizedCrop', size: 112, scale: [0.35, 1] },
      { type: 'RandomFlip' },
    ]),
    valDataloader: dataset('val', [
      { type: 'Resize', size: 128 },
      { type: 'CenterCrop', size: 112 },
    ]),
  };
}

function mnist({ labelSmoothing }: Recipe, root: string, loader: { batchSize: number }): Parts {
  const dataset = (split: 'train' | 'val', transforms: readonly Transform[]) => ({
    ...loader,
    dataset: { type: 'IdxDataset', root, split, transforms } as const,
  });
  return {
    model: {
      type: 'ImageClassifier',
      backbone: { type: 'ResNet', depth: 18, ...digitsBackbone },
      head: { type: 'LinearClsHead', numClasses: 10, labelSmoothing },
      dataPreprocessor: { mean: [33.3], std: [78.6] },
    },
    trainDataloader: dataset('train', [{ type: 'RandomCrop', size: 28, padding: 2 }]),
    valDataloader: dataset('val', []),
  };
}

const digitsBackbone = {
  stem: 'cifar',
  inChannels: 1,
  stemChannels: 16,
  baseChannels: 16,
  numStages: 3,
  strides: [2, 2, 2],
} as const;

type Transform = NonNullable<TransformsOf<NonNullable<Config['trainDataloader']>['dataset']>>[number];
type TransformsOf<D> = D extends { readonly transforms?: infer T } ? T : never;
