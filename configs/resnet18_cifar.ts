/**
 * ResNet-18 with the CIFAR stem on CIFAR-10 (or any folder of 32 x 32 pictures): padding, random crop, flip.
 *
 *     omma train configs/resnet18_cifar.ts --data FOLDER --amp
 */

import type {} from '@omma/classification';
import { defineConfig } from '@omma/engine';

const root = 'data/cifar10';

export default defineConfig({
  model: {
    type: 'ImageClassifier',
    backbone: { type: 'ResNet', depth: 18, stem: 'cifar' },
    head: { type: 'LinearClsHead', numClasses: 10 },
    dataPreprocessor: { mean: [125.307, 122.961, 113.8575], std: [51.5865, 50.847, 51.255] },
  },
  trainDataloader: {
    dataset: {
      type: 'ImageFolder',
      root,
      split: 'train',
      transforms: [{ type: 'RandomCrop', size: 32, padding: 4 }, { type: 'RandomFlip' }],
    },
    batchSize: 128,
  },
  valDataloader: { dataset: { type: 'ImageFolder', root, split: 'val', transforms: [] }, batchSize: 128 },
  valEvaluator: [{ type: 'Accuracy' }],
  optimWrapper: {
    optimizer: { type: 'SGD', lr: 0.1, momentum: 0.9, weightDecay: 5e-4, nesterov: true },
    amp: 'auto',
  },
  paramScheduler: [{ type: 'OneCycleLR', etaMax: 0.2, byEpoch: false }],
  trainConfig: { maxEpochs: 30 },
});
