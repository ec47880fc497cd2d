/** The run that is watched: small enough for a hundred steps a second, with everything that a long run has and that could keep memory. */

import type {} from '@omma/classification';
import type { Config } from '@omma/engine';
import { batchSize, pictureSize, trainPictures } from './pictures.ts';

export interface SoakOptions {
  /** Threads that load pictures. */
  readonly workers: number;
  /** Of the whole run, rounded up to whole epochs. */
  readonly steps: number;
  readonly device: string;
}

export function soakConfig(
  pictures: string,
  workDir: string,
  { workers, steps, device }: SoakOptions,
): Config {
  // Nothing is kept decoded: every epoch reads and decodes again.
  const data = { type: 'ImageFolder', root: pictures, cacheBytes: 0 } as const;
  const loading = { batchSize, numWorkers: workers, persistentWorkers: true };
  return {
    model: {
      type: 'ImageClassifier',
      backbone: {
        type: 'ResNet',
        depth: 18,
        stem: 'cifar',
        stemChannels: 8,
        baseChannels: 8,
        numStages: 1,
        outIndices: [0],
      },
      head: { type: 'LinearClsHead', numClasses: 2 },
    },
    trainDataloader: {
      ...loading,
      dataset: {
        ...data,
        split: 'train',
        transforms: [{ type: 'RandomResizedCrop', size: pictureSize }, { type: 'RandomFlip' }],
      },
    },
    valDataloader: { ...loading, dataset: { ...data, split: 'val', transforms: [] } },
    valEvaluator: [{ type: 'Accuracy', topk: [1] }],
    optimWrapper: {
      optimizer: { type: 'AdamW', lr: 1e-3, weightDecay: 1e-2 },
      clipGrad: { maxNorm: 1 },
    },
    paramScheduler: [{ type: 'CosineAnnealingLR', convertToIterBased: true }],
    trainConfig: { maxEpochs: Math.ceil((steps * batchSize) / trainPictures) },
    defaultHooks: { checkpoint: { intervalIterations: 100, maxKeep: 2 } },
    customHooks: [{ type: 'EMAHook' }],
    visualizer: { visBackends: [{ type: 'TensorboardVisBackend' }, { type: 'CsvVisBackend' }] },
    randomness: { seed: 1 },
    device,
    workDir,
  };
}
