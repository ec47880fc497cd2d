/** What RoIAlign and RoIPool share: regions are rows [image, x1, y1, x2, y2] in pixels of the original picture. */

import {
  at,
  floatOperand,
  formatShape,
  type Pair,
  type Shape,
  ShapeError,
  sameShape,
  type TensorType,
} from '@omma/core';

/** Five regions of two images of about 9 x 10 pixels: for samples. One reaches outside, one is smaller than a pixel. */
export const sampleRois = [
  [0, 0.7, 1.1, 8.3, 7.9],
  [1, 2.2, 0.4, 9.5, 6.1],
  [0, 3.1, 3.2, 3.9, 4],
  [1, -2.3, -1.1, 5.2, 11.7],
].flat();

/** Checks x and rois; the type of the pooled result. */
export function pooledType(op: string, inputs: readonly TensorType[], output: Pair): TensorType {
  const x = floatOperand(op, inputs, 0, 'x', 4, 'NCHW');
  const rois = checkRois(op, inputs, 1);
  return { shape: [at(rois, 0), at(x.shape, 1), ...output], dtype: x.dtype };
}

/** Checks the gradient dy of a pooled result of shape `pooled`; its type. */
export function checkPooledGrad(
  op: string,
  inputs: readonly TensorType[],
  index: number,
  pooled: Shape,
): TensorType {
  const dy = floatOperand(op, inputs, index, 'dy', 4, 'NCHW');
  if (sameShape(pooled, dy.shape)) return dy;
  throw new ShapeError(
    `${op}: dy has shape ${formatShape(dy.shape)} but the pooling makes ${formatShape(pooled)}`,
  );
}

/** Shape of the regions, input `index`, which must be float [K, 5]. */
export function checkRois(op: string, inputs: readonly TensorType[], index: number): Shape {
  const rois = floatOperand(op, inputs, index, 'rois', 2, 'K, 5').shape;
  if (at(rois, 1) !== 5) {
    throw new ShapeError(
      `${op}: rois must have five columns (image, x1, y1, x2, y2) but have shape ${formatShape(rois)}`,
    );
  }
  return rois;
}
