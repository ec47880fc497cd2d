/**
 * A model whose samples do not know of each other: group norm in place of batch norm (unless asked for), no dropout. What it learns depends on the samples of a step
 * alone, not on how they are divided between ranks.
 */

import { cast, crossEntropy, globalAvgPool, relu, reshape, type TensorRecord, transpose } from '@omma/core';
import { BatchNorm2d, Conv2d, GroupNorm, Linear, Module } from '@omma/nn';
import { z } from 'zod';
import { type Config, type Losses, models, type TrainableModel } from '../../../src/index.ts';
import { tinyConfig } from '../../support/tiny.ts';

declare module '../../../src/index.ts' {
  interface ModelTypes {
    Plain: { readonly channels: number; readonly norm?: 'group' | 'batch' };
  }
}

class Plain extends Module implements TrainableModel {
  readonly conv: Conv2d;
  readonly norm: GroupNorm | BatchNorm2d;
  readonly fc: Linear;

  constructor(channels: number, norm: 'group' | 'batch') {
    super();
    this.conv = new Conv2d(1, channels, 3, { padding: 1 });
    this.norm = norm === 'batch' ? new BatchNorm2d(channels) : new GroupNorm(2, channels);
    this.fc = new Linear(channels, 2);
  }

  override forward(image: TensorRecord[string]): TensorRecord[string] {
    const pixels = cast(transpose(image, [0, 3, 1, 2]), 'float32').div(255);
    const y = relu(this.norm.call(this.conv.call(pixels)));
    return this.fc.call(reshape(globalAvgPool(y), [y.dim(0), y.dim(1)]));
  }

  loss({ image, label }: TensorRecord): Losses {
    if (image === undefined || label === undefined) throw new Error('no image or no label');
    return { loss: crossEntropy(this.call(image), label) };
  }

  predict({ image }: TensorRecord): TensorRecord {
    if (image === undefined) throw new Error('no image');
    return { logits: this.call(image) };
  }
}

models.register(
  'Plain',
  z.strictObject({ channels: z.int().positive(), norm: z.enum(['group', 'batch']).exactOptional() }),
  ({ channels, norm = 'group' }) => new Plain(channels, norm),
);

/** A run of `Plain` that clips gradients and changes the learning rate, with `batchSize` samples a rank. */
export function plainConfig(workDir: string, batchSize: number): Config {
  const tiny = tinyConfig(workDir);
  return {
    ...tiny,
    model: { type: 'Plain', channels: 4 },
    trainDataloader: { dataset: { type: 'Stripes', length: 34 }, batchSize, numWorkers: 0 },
    valDataloader: { dataset: { type: 'Stripes', length: 18 }, batchSize, numWorkers: 0 },
    optimWrapper: {
      optimizer: { type: 'SGD', lr: 0.1, momentum: 0.9, weightDecay: 1e-4 },
      clipGrad: { maxNorm: 1 },
    },
  };
}
