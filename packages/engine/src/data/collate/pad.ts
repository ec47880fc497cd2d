/** Padding: pictures of different sizes and lists of different lengths. */

import { type HostTensor, OmmaError, type Shape, sameShape, sizeOf } from '@omma/core';
import { z } from 'zod';
import type { Sample } from '../types.ts';
import { type CollateContext, registerCollate } from './collate.ts';
import { tensorOf } from './stack.ts';

declare module './collate.ts' {
  interface CollateTypes {
    PadCollate: PadCollateOptions;
  }
}

/**
 * OpenMMLab's `pseudo_collate` with the padding of `DetDataPreprocessor`, in shapes that are few, because a device compiles a program for each.
 *
 * Pictures (`images`) are padded at the right and the bottom to the largest of the batch, and up to a multiple of `sizeDivisor`. Any other tensor with
 * axes is a list: its first axis is padded with zeros to a power of two, and `<name>Length`, int32 [N], says how long each was.
 */
export interface PadCollateOptions {
  /** Names of the tensors [height, width, channels]; `image` unless given. */
  readonly images?: readonly string[];
  /** 1 unless given. */
  readonly sizeDivisor?: number;
  /** What the padding of pictures is filled with; 0 unless given. */
  readonly padValue?: number;
}

registerCollate('PadCollate', {
  schema: z.strictObject({
    images: z.array(z.string()).exactOptional(),
    sizeDivisor: z.int().positive().exactOptional(),
    padValue: z.number().exactOptional(),
  }),
  build: (options) => ({ collate: (samples, batch) => padSamples(samples, batch, options) }),
});

/** What PadCollate makes of samples, for a collate of your own. */
export function padSamples(
  samples: readonly Sample[],
  batch: CollateContext,
  options: PadCollateOptions = {},
): Record<string, HostTensor> {
  const { images = ['image'], sizeDivisor = 1, padValue = 0 } = options;
  const result: Record<string, HostTensor> = {};
  for (const name of Object.keys(samples[0]?.tensors ?? {})) {
    const tensors = samples.map((sample) => tensorOf(sample, name, batch.nameOf));
    const isImage = images.includes(name);
    const shape = paddedShape(name, samples, isImage ? sizeDivisor : null, batch);
    result[name] = padded(tensors, shape, isImage ? padValue : 0, batch);
    if (isImage || shape.length === 0) continue;
    const lengths = batch.tensor('int32', [tensors.length]);
    tensors.forEach((tensor, row) => {
      lengths.data[row] = tensor.shape[0] ?? 0;
    });
    result[`${name}Length`] = lengths;
  }
  return result;
}

/** The shape that holds all of them: pictures grow in two axes, to a multiple of `divisor`, lists (null) in the first, to a power of two. */
function paddedShape(
  name: string,
  samples: readonly Sample[],
  divisor: number | null,
  { nameOf }: CollateContext,
): Shape {
  const growing = divisor === null ? 1 : 2;
  const tensors = samples.map((sample) => tensorOf(sample, name, nameOf));
  const { dtype, shape: first } = tensors[0] ?? { dtype: 'uint8', shape: [] };
  const rest = first.slice(growing);
  for (const sample of samples) {
    const { dtype: type, shape } = tensorOf(sample, name, nameOf);
    const sameAxes = shape.length === first.length && sameShape(shape.slice(growing), rest);
    if (type === dtype && sameAxes) continue;
    throw new OmmaError(
      `data loader: ${nameOf(sample)} gives ${name} as ${type} [${shape.join(', ')}], which does not go with ${dtype} [${first.join(', ')}] in its batch; PadCollate pads the first ${growing === 1 ? 'axis' : 'two axes'} only`,
    );
  }
  return first.map((extent, axis) => {
    if (axis >= growing) return extent;
    const most = Math.max(...tensors.map(({ shape }) => shape[axis] ?? 0));
    return divisor === null ? powerOfTwo(most) : Math.ceil(most / divisor) * divisor;
  });
}

function powerOfTwo(length: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, length)));
}

/** The tensors in the upper left corners of a batch of `shape`. */
function padded(
  tensors: readonly HostTensor[],
  shape: Shape,
  value: number,
  batch: CollateContext,
): HostTensor {
  const dtype = tensors[0]?.dtype ?? 'uint8';
  const size = sizeOf(shape);
  const whole = batch.tensor(dtype, [tensors.length, ...shape]);
  const { data } = whole;
  if (value !== 0) data.fill(value);
  tensors.forEach((tensor, row) => {
    // Pictures are copied line by line; a list is one run.
    const [height = 1, width = 1] = tensor.shape;
    const lines = shape.length === 3 ? height : 1;
    const length = tensor.data.length / Math.max(1, lines);
    const stride = shape.length === 3 ? size / Math.max(1, shape[0] ?? 1) : size;
    if (width === 0) return;
    for (let line = 0; line < lines; line++) {
      data.set(tensor.data.subarray(line * length, (line + 1) * length), row * size + line * stride);
    }
  });
  return whole;
}
