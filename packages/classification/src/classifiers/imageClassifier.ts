/**
 * ImageClassifier: backbone, neck and head, and the way from bytes to the backbone.
 *
 * Pictures arrive as uint8 [N, H, W, C], as decoders give them; normalisation is part of the graph, so that a batch travels as
 * bytes and the exported model takes what the trained one took. Float pictures [N, C, H, W] count as normalised already.
 */

import {
  cast,
  div,
  flip,
  isFloat,
  OmmaError,
  pad,
  scope,
  softmax,
  sub,
  type Tensor,
  type TensorRecord,
  tensor,
  transpose,
} from '@omma/core';
import type { Dataset, DrawnSample, EvaluatedSample, Losses, TrainableModel } from '@omma/engine';
import { Module } from '@omma/nn';
import type { LinearClsHead } from '../heads/linearClsHead.ts';
import { drawSample } from './drawSample.ts';

export interface DataPreprocessorOptions {
  /** Per channel, on the scale 0 to 255. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** The network takes blue, green, red, and so do mean and std: weights of Caffe's. Pictures are read as red, green, blue. */
  readonly rgbToBgr?: boolean;
  /** Normalised pictures are padded below and at the right to a multiple of this; 1 unless given. */
  readonly padSizeDivisor?: number;
  /** 0 unless given. */
  readonly padValue?: number;
}

/** ImageNet's statistics, what OpenMMLab uses. */
export const imageNetStatistics: DataPreprocessorOptions = {
  mean: [123.675, 116.28, 103.53],
  std: [58.395, 57.12, 57.375],
};

export interface ImageClassifierParts {
  readonly backbone: Module<readonly [Tensor], readonly Tensor[]>;
  readonly neck: Module<readonly [readonly Tensor[]], Tensor>;
  readonly head: LinearClsHead;
  readonly dataPreprocessor?: DataPreprocessorOptions;
}

export class ImageClassifier extends Module implements TrainableModel {
  readonly backbone: Module<readonly [Tensor], readonly Tensor[]>;
  readonly neck: Module<readonly [readonly Tensor[]], Tensor>;
  readonly head: LinearClsHead;
  readonly normalization: DataPreprocessorOptions;

  constructor({ backbone, neck, head, dataPreprocessor = imageNetStatistics }: ImageClassifierParts) {
    super();
    this.backbone = backbone;
    this.neck = neck;
    this.head = head;
    this.normalization = dataPreprocessor;
  }

  /** Logits [N, classes] of pictures. */
  override forward(image: Tensor): Tensor {
    return this.head.call(this.neck.call(this.backbone.call(this.preprocess(image))));
  }

  /** uint8 [N, H, W, C] to normalised float32 [N, C, H, W]. */
  preprocess(image: Tensor): Tensor {
    if (isFloat(image.dtype)) return image;
    return scope('data_preprocessor', () => {
      const { mean, std, rgbToBgr = false, padSizeDivisor = 1, padValue = 0 } = this.normalization;
      const channels = image.dim(3);
      if (mean.length !== channels || std.length !== channels) {
        throw new OmmaError(
          `ImageClassifier: pictures have ${channels} channels but dataPreprocessor has ${mean.length} means and ${std.length} stds`,
        );
      }
      const channelsFirst = transpose(image, [0, 3, 1, 2]);
      const pixels = cast(rgbToBgr ? flip(channelsFirst, [1]) : channelsFirst, 'float32');
      const perChannel = (values: readonly number[]) => tensor(values, [1, channels, 1, 1]);
      const normalized = div(sub(pixels, perChannel(mean)), perChannel(std));
      const after = [2, 3].map(
        (axis) => -normalized.dim(axis) + padSizeDivisor * Math.ceil(normalized.dim(axis) / padSizeDivisor),
      );
      return pad(normalized, {
        pads: [[0, 0], [0, 0], ...after.map((count) => [0, count])],
        value: padValue,
      });
    });
  }

  loss(inputs: TensorRecord): Losses {
    const logits = this.call(input(inputs, 'image'));
    return { loss: scope('head', () => this.head.loss(logits, input(inputs, 'label'))) };
  }

  /** `logits` and `probabilities`, [N, classes] each. */
  predict(inputs: TensorRecord): TensorRecord {
    const logits = this.call(input(inputs, 'image'));
    return { logits, probabilities: softmax(logits, 1) };
  }

  draw(sample: EvaluatedSample): Promise<DrawnSample | null> {
    return drawSample(sample);
  }

  checkDataset(dataset: Dataset): void {
    const { classes, length } = dataset;
    const { numClasses } = this.head;
    if (classes.length !== numClasses) {
      throw new OmmaError(
        `ImageClassifier: model.head.numClasses is ${numClasses} but the data set has ${classes.length} classes (${shortened(classes)}); set it to ${classes.length}`,
      );
    }
    for (let i = 0; i < length; i++) {
      const label = dataset.labelOf?.(i) ?? 0;
      if (Number.isInteger(label) && label >= 0 && label < numClasses) continue;
      throw new OmmaError(
        `ImageClassifier: ${dataset.nameOf(i)} has label ${label}, which is not one of the ${numClasses} classes (0 to ${numClasses - 1}); correct the data set`,
      );
    }
  }
}

function shortened(names: readonly string[]): string {
  return names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')}, ...`;
}

function input(inputs: TensorRecord, name: string): Tensor {
  const found = inputs[name];
  if (found === undefined) {
    throw new OmmaError(`ImageClassifier: the batch has no ${name}, only ${Object.keys(inputs).join(', ')}`);
  }
  return found;
}
