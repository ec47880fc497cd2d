/**
 * AverageClsScoreTTA: test-time augmentation for classifiers. A picture is seen as several crops and their mirror images, and its class scores are
 * averaged, as MMPretrain's class of this name does. The views are made on the device, from one picture: nothing is decoded twice.
 */

import {
  concat,
  flip,
  log,
  mean,
  OmmaError,
  reshape,
  slice,
  type Tensor,
  type TensorRecord,
} from '@omma/core';
import type { TrainableModel, TtaModel } from '@omma/engine';
import { z } from 'zod';

export interface AverageClsScoreTTAOptions {
  /** The mirror image of every view besides; true unless given. */
  readonly flip?: boolean;
  /** Crops in place of the whole picture: its four corners and its centre, of so many pixels in height and width. */
  readonly fiveCrop?: number | readonly [height: number, width: number];
}

const pixels = z.int().positive();

export const averageClsScoreTTASchema = z.strictObject({
  flip: z.boolean().exactOptional(),
  fiveCrop: z.union([pixels, z.tuple([pixels, pixels])]).exactOptional(),
});

export class AverageClsScoreTTA implements TtaModel {
  readonly #options: AverageClsScoreTTAOptions;

  constructor(options: AverageClsScoreTTAOptions = {}) {
    this.#options = options;
  }

  /** `probabilities` are the mean of the views', `logits` its logarithm. */
  predict(model: TrainableModel, inputs: TensorRecord): TensorRecord {
    const { image } = inputs;
    if (image === undefined) throw new OmmaError('AverageClsScoreTTA: the batch has no image');
    const views = this.views(image);
    // All views in one batch: the model is run, and its weights are read, once.
    const { probabilities } = model.predict({ image: views.length === 1 ? image : concat(views, 0) });
    if (probabilities === undefined)
      throw new OmmaError('AverageClsScoreTTA: the model gives no probabilities; use a classifier');
    const [batch, classes] = [image.dim(0), probabilities.dim(1)];
    const average = mean(reshape(probabilities, [views.length, batch, classes]), { axes: [0] });
    return { probabilities: average, logits: log(average) };
  }

  /** The views of uint8 pictures [N, H, W, C]. */
  views(image: Tensor): Tensor[] {
    const { flip: mirrored = true } = this.#options;
    const crops = this.#crops(image);
    return mirrored ? [...crops, ...crops.map((crop) => flip(crop, [2]))] : crops;
  }

  #crops(image: Tensor): Tensor[] {
    const { fiveCrop } = this.#options;
    if (fiveCrop === undefined) return [image];
    const [height, width] = typeof fiveCrop === 'number' ? [fiveCrop, fiveCrop] : fiveCrop;
    const [down, right] = [image.dim(1) - height, image.dim(2) - width];
    if (down < 0 || right < 0) {
      throw new OmmaError(
        `AverageClsScoreTTA: fiveCrop is ${height}x${width} but pictures have ${image.dim(1)}x${image.dim(2)}; make them larger in the pipeline of the test data`,
      );
    }
    const corners = [
      [0, 0],
      [0, right],
      [down, 0],
      [down, right],
      [down >> 1, right >> 1],
    ];
    return corners.map(([top = 0, left = 0]) =>
      slice(image, { axes: [1, 2], starts: [top, left], ends: [top + height, left + width] }),
    );
  }
}
