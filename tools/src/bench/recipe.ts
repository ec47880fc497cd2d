/**
 * Whole training runs. Omma trains one of the repository's configs, as `omma train` would for anybody; a recipe is the same job in
 * numbers, for a peer that reads no configs.
 */

import '@omma/classification';
import { join } from 'node:path';
import {
  BatchLoader,
  type Config,
  type DataloaderConfig,
  datasets,
  learningRates,
  loadConfig,
} from '@omma/engine';

/** What the peer is told, as one JSON argument. */
export interface Recipe {
  /** Data set and network: the peer builds both by this name. */
  readonly name: 'flowers' | 'mnist';
  /** Folder of the data set. */
  readonly data: string;
  readonly threads: number;
  readonly epochs: number;
  /** Epochs from one validation to the next. */
  readonly validateEvery: number;
  readonly batch: number;
  /** Of every step. */
  readonly learningRates: readonly number[];
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
  readonly labelSmoothing: number;
  /** The transforms as the config has them. */
  readonly training: unknown;
  readonly validation: unknown;
}

/** The recipe of a config file, for data in the folder `data`. */
export async function recipeOf(
  name: Recipe['name'],
  file: string,
  data: string,
  threads: number,
): Promise<Recipe> {
  const config = await loadConfig(file);
  const { trainDataloader, valDataloader, optimWrapper, trainConfig, paramScheduler = [], model } = config;
  const optimizer = optimWrapper?.optimizer;
  if (trainDataloader === undefined || valDataloader === undefined || trainConfig === undefined) {
    throw new Error(`bench: ${file} does not train and validate`);
  }
  if (optimizer?.type !== 'SGD') throw new Error(`bench: ${file} does not train with SGD`);
  const epochs = trainConfig.maxEpochs;
  if (epochs === undefined) throw new Error(`bench: ${file} does not train by epochs`);
  const iterationsPerEpoch = batchesIn(trainDataloader, data);
  const { lr, momentum = 0, nesterov = false, weightDecay = 0 } = optimizer;
  return {
    name,
    data,
    threads,
    epochs,
    validateEvery: trainConfig.valInterval ?? 1,
    batch: trainDataloader.batchSize,
    learningRates: [
      ...learningRates(lr, paramScheduler, {
        maxIterations: epochs * iterationsPerEpoch,
        iterationsPerEpoch,
      }),
    ],
    momentum,
    nesterov,
    weightDecay,
    labelSmoothing: smoothingOf(model),
    training: picturesOf(trainDataloader).transforms ?? [],
    validation: picturesOf(valDataloader).transforms ?? [],
  };
}

/** The arguments of `omma` that train the config; it validates once, at the end. */
export function trainArguments(file: string, recipe: Recipe, device: string, workDir: string): string[] {
  const place = ['--data', recipe.data, '--device', device, '--work-dir', join(workDir, 'run')];
  return ['train', file, '--json', ...place, '--set', `trainConfig.valInterval=${recipe.epochs}`];
}

/** The data set of a loader: pictures in folders, or in IDX files. */
function picturesOf({ dataset }: DataloaderConfig) {
  const type: string = dataset.type;
  if (dataset.type === 'ImageFolder' || dataset.type === 'IdxDataset') return dataset;
  throw new Error(`bench: ${type} is no data set that a peer reads`);
}

function batchesIn(loader: DataloaderConfig, root: string): number {
  const { batchSize } = loader;
  const dataset = datasets.build({ ...picturesOf(loader), root });
  return new BatchLoader(dataset, { training: true, seed: 0, batchSize }).batchesPerEpoch;
}

function smoothingOf(model: Config['model']): number {
  return model.type === 'ImageClassifier' ? (model.head.labelSmoothing ?? 0) : 0;
}
