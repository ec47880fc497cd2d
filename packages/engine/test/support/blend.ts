/** Collates of a user's own, in a file of its own because worker threads import it. */

import { hostTensor, OmmaError } from '@omma/core';
import { type CollateContext, padSamples, registerCollate, type Sample } from '@omma/engine';
import { z } from 'zod';

declare module '@omma/engine' {
  interface CollateTypes {
    Blend: { readonly most: number };
    Mistaken: { readonly how: 'rows' | 'user' | 'defect' | 'twice' | 'constant' };
    CountBoxes: object;
  }
}

/** Each picture with a part of its neighbour in the batch. */
registerCollate('Blend', {
  module: import.meta.url,
  schema: z.strictObject({ most: z.number().min(0).max(0.5).default(0.5) }),
  build: ({ most }) => ({
    inPlace: true,
    collate(samples, batch) {
      const { image, ...rest } = batch.stack(samples);
      if (image === undefined) throw new OmmaError('Blend: the samples have no image');
      if (!batch.training) return { ...rest, image };
      const share = most * batch.random();
      const blended = batch.tensor('uint8', image.shape);
      const { length } = image.data;
      for (let i = 0; i < length; i++) {
        const neighbour = image.data[(i + length / samples.length) % length] ?? 0;
        blended.data[i] = Math.round((1 - share) * (image.data[i] ?? 0) + share * neighbour);
      }
      return { ...rest, image: blended };
    },
  }),
});

const constant = hostTensor([4], 'int32', Int32Array.of(1, 2, 3, 4));

registerCollate('Mistaken', {
  module: import.meta.url,
  schema: z.strictObject({ how: z.enum(['rows', 'user', 'defect', 'twice', 'constant']) }),
  build: ({ how }) => ({
    inPlace: true,
    collate(samples, batch) {
      switch (how) {
        case 'rows':
          return { image: batch.tensor('uint8', [3, 8, 8, 1]) };
        case 'user':
          throw new OmmaError(`${batch.nameOf(samples[1] ?? { tensors: {} })} is of no use`);
        case 'defect':
          throw new TypeError('a defect');
        case 'twice':
          return twice(samples, batch);
        case 'constant':
          return { ...batch.stack(samples), constant };
      }
    },
  }),
});

/** The batch forwards, backwards and forwards: nothing may be written over what is still to be read. */
function twice(samples: readonly Sample[], batch: CollateContext) {
  const backwards = batch.stack(samples.toReversed(), ['image']).image;
  const forwards = batch.stack(samples);
  const again = batch.stack(samples, ['image']).image;
  if (backwards === undefined || again === undefined) throw new OmmaError('no pictures');
  return { ...forwards, backwards, again };
}

/** What PadCollate makes, and how many boxes there are. */
registerCollate('CountBoxes', {
  module: import.meta.url,
  schema: z.strictObject({}),
  build: () => ({
    collate(samples, batch) {
      const padded = padSamples(samples, batch, { sizeDivisor: 2 });
      const boxes = batch.tensor('float32', [samples.length, 1]);
      samples.forEach(({ tensors }, row) => {
        boxes.data[row] = tensors.boxes?.shape[0] ?? 0;
      });
      return { ...padded, boxCount: boxes };
    },
  }),
});
