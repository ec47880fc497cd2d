/**
 * ResNet-50 on ImageNet-1k as the field trains it: 224 x 224, SGD, 100 epochs, a cosine after five epochs of warm-up.
 *
 *     omma train configs/resnet50_imagenet.ts --data FOLDER --amp
 */

import type {} from '@omma/classification';
import { defineConfig } from '@omma/engine';

const root = 'data/imagenet';

export default defineConfig({
  model: {
    type: 'ImageClassifier',
    backbone: { type: 'ResNet', depth: 50 },
    head: { type: 'LinearClsHead', numClasses: 1000 },
  },
  trainDataloader: {
    dataset: {
      type: 'ImageFolder',
      root,
      split: 'train',
      transforms: [{ type: 'RandomResizedCrop', size: 224 }, { type: 'RandomFlip' }],
    },
    batchSize: 32,
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
    batchSize: 32,
  },
  valEvaluator: [{ type: 'Accuracy' }],
  optimWrapper: {
    optimizer: { type: 'SGD', lr: 0.0125, momentum: 0.9, weightDecay: 1e-4 },
    amp: 'auto',
  },
  paramScheduler: [
    { type: 'LinearLR', begin: 0, end: 5, startFactor: 0.01, convertToIterBased: true },
    { type: 'CosineAnnealingLR', begin: 5, end: 100, convertToIterBased: true },
  ],
  trainConfig: { maxEpochs: 100 },
});
