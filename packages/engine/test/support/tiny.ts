/**
 * The smallest thing that trains: a convolution, a batch norm, dropout and a classifier on made-up 8x8 pictures. Registered as the model
 * `Tiny` and the data set `Stripes`, the way a task registers its types.
 */

import {
  cast,
  crossEntropy,
  globalAvgPool,
  relu,
  reshape,
  type Tensor,
  type TensorRecord,
  transpose,
} from '@omma/core';
import { BatchNorm2d, Conv2d, Dropout, Linear, Module } from '@omma/nn';
import { z } from 'zod';
import {
  type Batch,
  type Config,
  datasets,
  type Losses,
  type Metric,
  metrics,
  models,
  type TrainableModel,
} from '../../src/index.ts';

import { Stripes, type StripesOptions } from './stripes.ts';

declare module '../../src/index.ts' {
  interface ModelTypes {
    Tiny: { readonly channels: number };
  }
  interface DatasetTypes {
    Stripes: StripesOptions;
  }
  interface MetricTypes {
    Hits: object;
  }
}

export class Tiny extends Module implements TrainableModel {
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;
  readonly drop = new Dropout(0.1);
  readonly fc: Linear;

  constructor(channels: number) {
    super();
    this.conv = new Conv2d(1, channels, 3, { padding: 1, bias: false });
    this.norm = new BatchNorm2d(channels);
    this.fc = new Linear(channels, 2);
  }

  override forward(image: Tensor): Tensor {
    const pixels = cast(transpose(image, [0, 3, 1, 2]), 'float32').div(255);
    const y = relu(this.norm.call(this.conv.call(pixels)));
    const pooled = reshape(globalAvgPool(y), [y.dim(0), y.dim(1)]);
    return this.fc.call(this.drop.call(pooled));
  }

  loss(inputs: TensorRecord): Losses {
    return { loss: crossEntropy(this.call(named(inputs, 'image')), named(inputs, 'label')) };
  }

  predict(inputs: TensorRecord): TensorRecord {
    return { logits: this.call(named(inputs, 'image')) };
  }
}

function named(inputs: TensorRecord, name: string): Tensor {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`no ${name}`);
  return tensor;
}

class Hits implements Metric {
  #hits = 0;
  #count = 0;

  reset(): void {
    this.#hits = 0;
    this.#count = 0;
  }

  update(outputs: Parameters<Metric['update']>[0], batch: Batch): void {
    for (let row = 0; row < batch.count; row++) {
      const [a = 0, b = 0] = [...(outputs.logits?.data.subarray(2 * row, 2 * row + 2) ?? [])];
      if ((b > a ? 1 : 0) === batch.inputs.label?.data[row]) this.#hits++;
      this.#count++;
    }
  }

  compute(): Record<string, number> {
    return { hits: this.#hits / this.#count };
  }
}

models.register(
  'Tiny',
  z.strictObject({ channels: z.int().positive() }),
  ({ channels }) => new Tiny(channels),
);
datasets.register(
  'Stripes',
  z.strictObject({
    length: z.int().min(0),
    corrupt: z.array(z.int()).exactOptional(),
    broken: z.array(z.int()).exactOptional(),
    fatal: z.int().exactOptional(),
    delayMs: z.number().exactOptional(),
  }),
  (options) => new Stripes(options),
);
metrics.register('Hits', z.strictObject({}), () => new Hits());

/** A run that learns in a second. */
export function tinyConfig(workDir: string): Config {
  return {
    model: { type: 'Tiny', channels: 4 },
    trainDataloader: { dataset: { type: 'Stripes', length: 34 }, batchSize: 8, numWorkers: 0 },
    valDataloader: { dataset: { type: 'Stripes', length: 18 }, batchSize: 8, numWorkers: 0 },
    valEvaluator: [{ type: 'Hits' }],
    optimWrapper: { optimizer: { type: 'SGD', lr: 0.1, momentum: 0.9, weightDecay: 1e-4 } },
    paramScheduler: [{ type: 'CosineAnnealingLR', convertToIterBased: true }],
    trainConfig: { maxEpochs: 3 },
    defaultHooks: { logger: { interval: 2 } },
    randomness: { seed: 1 },
    device: 'reference',
    workDir,
  };
}
