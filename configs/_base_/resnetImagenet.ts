/**
 * What the ImageNet configs share: 224 x 224, SGD, 100 epochs, a cosine after five epochs of warm-up, as the field trains ResNets. The
 * learning rate is 0.1 for 256 pictures a step, and in proportion for fewer (Goyal et al., 2017).
 */

import type { ResNetDepth } from '@omma/classification';
import { type Config, defineConfig } from '@omma/engine';

const root = 'data/imagenet';

/** The config of a ResNet of this depth, `batchSize` pictures a step. */
export function resNetImageNet(depth: ResNetDepth, batchSize: number): Config {
  return defineConfig({
    model: {
      type: 'ImageClassifier',
      backbone: { type: 'ResNet', depth },
      head: { type: 'LinearClsHead', numClasses: 1000 },
    },
    trainDataloader: {
      dataset: {
        type: 'ImageFolder',
        root,
        split: 'train',
        transforms: [{ type: 'RandomResizedCrop', size: 224 }, { type: 'RandomFlip' }],
      },
      batchSize,
    },
    valDataloader: {
      dataset: {
        type: 'ImageFolder',
        root,
        split: 'val',
        transforms: [
          { type: 'Resize', size: 256 },
          { type: 'CenterCrop', size: 224 },
        ],
      },
      batchSize,
    },
    valEvaluator: [{ type: 'Accuracy' }],
    optimWrapper: {
      optimizer: { type: 'SGD', lr: (0.1 * batchSize) / 256, momentum: 0.9, weightDecay: 1e-4 },
      amp: 'auto',
    },
    paramScheduler: [
      { type: 'LinearLR', begin: 0, end: 5, startFactor: 0.01, convertToIterBased: true },
      { type: 'CosineAnnealingLR', begin: 5, end: 100, convertToIterBased: true },
    ],
    trainConfig: { maxEpochs: 100 },
  });
}
