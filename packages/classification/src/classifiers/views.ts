/**
 * Views of a picture for test-time augmentation, as OpenMMLab's `TestTimeAug` describes them: stages, of each of which every view has one choice.
 * They are made on the device, from the picture as the pipeline of the data leaves it: nothing is decoded twice.
 */

import { cast, flip, floor, matmul, OmmaError, slice, type Tensor, tensor, transpose } from '@omma/core';
import { buildTransforms, sizeAfter } from '@omma/cv';
import { z } from 'zod';

/** One choice of a stage. Names and options are those of the transforms of data sets. */
export type ViewTransform =
  /** To [height, width], or by a number the shorter edge to so many pixels; bilinear, as data sets do it. */
  | { readonly type: 'Resize'; readonly size: number | readonly [height: number, width: number] }
  | { readonly type: 'CenterCrop'; readonly size: number | readonly [height: number, width: number] }
  /** Five views: the four corners and the centre. */
  | { readonly type: 'FiveCrop'; readonly size: number | readonly [height: number, width: number] }
  /** Mirrored (1) or as it is (0): a view leaves nothing to chance. */
  | { readonly type: 'RandomFlip'; readonly probability: 0 | 1 };

const pixels = z.int().positive();
const size = z.union([pixels, z.tuple([pixels, pixels])]);

export const viewTransformSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('Resize'), size }),
  z.strictObject({ type: z.literal('CenterCrop'), size }),
  z.strictObject({ type: z.literal('FiveCrop'), size }),
  z.strictObject({ type: z.literal('RandomFlip'), probability: z.union([z.literal(0), z.literal(1)]) }),
]);

/** The views of uint8 pictures [N, H, W, C], in the order of the choices, those of the last stage changing first. */
export function viewsOf(image: Tensor, stages: readonly (readonly ViewTransform[])[]): Tensor[] {
  return stages
    .filter((choices) => choices.length > 0)
    .reduce(
      (views, choices) => views.flatMap((view) => choices.flatMap((choice) => transformed(view, choice))),
      [image],
    );
}

function transformed(image: Tensor, transform: ViewTransform): Tensor[] {
  const [height, width] = [image.dim(1), image.dim(2)];
  switch (transform.type) {
    case 'RandomFlip':
      return [transform.probability === 1 ? flip(image, [2]) : image];
    case 'Resize': {
      const after = sizeAfter(buildTransforms([transform]), { width, height }, () => 0.5);
      return [resized(image, [after.height, after.width])];
    }
    case 'CenterCrop':
      return crops(image, transform, (down, right) => [middle(down, right)]);
    case 'FiveCrop':
      return crops(image, transform, (down, right) => [
        [0, 0],
        [0, right],
        [down, 0],
        [down, right],
        middle(down, right),
      ]);
  }
}

/** Where what is left over is odd, the pixel that data sets choose too. */
function middle(down: number, right: number): readonly [number, number] {
  return [Math.round(down / 2), Math.round(right / 2)];
}

function crops(
  image: Tensor,
  { type, size }: Extract<ViewTransform, { type: 'CenterCrop' | 'FiveCrop' }>,
  places: (down: number, right: number) => readonly (readonly [number, number])[],
): Tensor[] {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const [down, right] = [image.dim(1) - height, image.dim(2) - width];
  if (down < 0 || right < 0) {
    throw new OmmaError(
      `ttaModel: ${type} is ${height}x${width} but pictures have ${image.dim(1)}x${image.dim(2)}; make them larger in the pipeline of ttaDataloader`,
    );
  }
  return places(down, right).map(([top, left]) =>
    slice(image, { axes: [1, 2], starts: [top, left], ends: [top + height, left + width] }),
  );
}

/** Pillow's bilinear resampling, first across, then down, each rounded to whole levels. */
function resized(image: Tensor, [height, width]: readonly [number, number]): Tensor {
  const levels = (x: Tensor) => floor(x.add(0.5));
  const pixelsOf = cast(image, 'float32');
  const across = levels(matmul(transpose(pixelsOf, [0, 1, 3, 2]), triangleWeights(image.dim(2), width)));
  const down = levels(matmul(transpose(across, [0, 3, 2, 1]), triangleWeights(image.dim(1), height)));
  // [N, width, C, height]
  return cast(transpose(down, [0, 3, 1, 2]), 'uint8');
}

/** [from, to]: what each of `to` places takes from `from`. The filter grows with the scale, so that nothing is skipped when it shrinks. */
function triangleWeights(from: number, to: number): Tensor {
  const weights = new Float32Array(from * to);
  const scale = from / to;
  const support = Math.max(1, scale);
  for (let place = 0; place < to; place++) {
    const centre = (place + 0.5) * scale;
    const shares = Array.from({ length: from }, (_, at) =>
      Math.max(0, 1 - Math.abs(at + 0.5 - centre) / support),
    );
    const total = shares.reduce((sum, share) => sum + share, 0);
    shares.forEach((share, at) => {
      weights[at * to + place] = share / total;
    });
  }
  return tensor(weights, [from, to]);
}
