/**
 * AverageClsScoreTTA: test-time augmentation for classifiers. A picture is seen in several views, and its class scores are averaged, as MMPretrain's
 * class of this name does.
 */

import { concat, log, mean, OmmaError, slice, stack, type Tensor, type TensorRecord } from '@omma/core';
import type { TrainableModel, TtaModel } from '@omma/engine';
import { z } from 'zod';
import { type ViewTransform, viewsOf, viewTransformSchema } from './views.ts';

export interface AverageClsScoreTTAOptions {
  /** Stages of views, of each of which every view has one choice; the picture and its mirror image unless given. */
  readonly transforms?: readonly (readonly ViewTransform[])[];
}

export const averageClsScoreTTASchema = z.strictObject({
  transforms: z.array(z.array(viewTransformSchema)).exactOptional(),
});

const mirrored: readonly ViewTransform[] = [
  { type: 'RandomFlip', probability: 0 },
  { type: 'RandomFlip', probability: 1 },
];

export class AverageClsScoreTTA implements TtaModel {
  readonly #stages: readonly (readonly ViewTransform[])[];

  constructor({ transforms = [mirrored] }: AverageClsScoreTTAOptions = {}) {
    this.#stages = transforms;
  }

  /** `probabilities` are the mean of the views', `logits` its logarithm. */
  predict(model: TrainableModel, inputs: TensorRecord): TensorRecord {
    const { image } = inputs;
    if (image === undefined) throw new OmmaError('AverageClsScoreTTA: the batch has no image');
    const average = mean(stack(this.#scores(model, this.views(image)), 0), { axes: [0] });
    return { probabilities: average, logits: log(average) };
  }

  /** The views of uint8 pictures [N, H, W, C]. */
  views(image: Tensor): Tensor[] {
    return viewsOf(image, this.#stages);
  }

  /** Class scores of each view. Those of one size go through the model as one batch: its weights are read once. */
  #scores(model: TrainableModel, views: readonly Tensor[]): Tensor[] {
    const bySize = new Map<string, Tensor[]>();
    for (const view of views) {
      const key = view.shape.join('x');
      bySize.set(key, [...(bySize.get(key) ?? []), view]);
    }
    return [...bySize.values()].flatMap((alike) => {
      const { probabilities } = model.predict({ image: concat(alike, 0) });
      if (probabilities === undefined)
        throw new OmmaError('AverageClsScoreTTA: the model gives no probabilities; use a classifier');
      const rows = probabilities.dim(0) / alike.length;
      return alike.map((_, i) =>
        slice(probabilities, { axes: [0], starts: [i * rows], ends: [(i + 1) * rows] }),
      );
    });
  }
}
