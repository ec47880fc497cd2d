/**
 * ResNet-18 from scratch on the TensorFlow flowers at 112 x 112: five classes, some three thousand small photos.
 *
 *     omma train configs/resnet18_flowers.ts --data FOLDER --amp
 */

import type {} from '@omma/classification';
import { defineConfig } from '@omma/engine';

const root = 'data/tf-flowers-128';

export default defineConfig({
  model: {
    type: 'ImageClassifier',
    backbone: { type: 'ResNet', depth: 18 },
    head: { type: 'LinearClsHead', numClasses: 5, labelSmoothing: 0.1 },
  },
  trainDataloader: {
    dataset: {
      type: 'ImageFolder',
      root,
      split: 'train',
      transforms: [{ type: 'RandomResizedCrop', size: 112, scale: [0.35, 1] }, { type: 'RandomFlip' }],
    },
    batchSize: 32,
  },
  valDataloader: {
    dataset: {
      type: 'ImageFolder',
      root,
      split: 'val',
      transforms: [
        { type: 'Resize', size: 128 },
        { type: 'CenterCrop', size: 112 },
      ],
    },
    batchSize: 32,
  },
  valEvaluator: [{ type: 'Accuracy', topk: [1] }],
  optimWrapper: {
    optimizer: { type: 'SGD', lr: 0.05, momentum: 0.9, weightDecay: 5e-4, nesterov: true },
    amp: 'auto',
  },
  paramScheduler: [{ type: 'OneCycleLR', etaMax: 0.1, byEpoch: false }],
  trainConfig: { maxEpochs: 10 },
});
