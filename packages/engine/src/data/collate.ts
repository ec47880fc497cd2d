/**
 * How samples become one batch. Stacking, the default, wants all of one shape and writes each to its row as it is loaded. Padding takes pictures of
 * different sizes and lists of different lengths.
 */

import { type HostTensor, hostTensor, OmmaError, type Shape, sizeOf } from '@omma/core';
import type { BatchArrays } from './batchArrays.ts';
import type { Sample } from './types.ts';

/** OpenMMLab's `default_collate`: equal shapes. */
export interface StackCollateConfig {
  readonly type: 'StackCollate';
}

/**
 * OpenMMLab's `pseudo_collate` with the padding of `DetDataPreprocessor`, in shapes that are few, because a device compiles a program for each.
 *
 * Pictures (`images`) are padded at the right and the bottom to the largest of the batch, and up to a multiple of `sizeDivisor`. Any other tensor with
 * axes is a list: its first axis is padded with zeros to a power of two, and `<name>Length`, int32 [N], says how long each was.
 */
export interface PadCollateConfig {
  readonly type: 'PadCollate';
  /** Names of the tensors [height, width, channels]; `image` unless given. */
  readonly images?: readonly string[];
  /** 1 unless given. */
  readonly sizeDivisor?: number;
  /** What the padding of pictures is filled with; 0 unless given. */
  readonly padValue?: number;
}

export type CollateConfig = StackCollateConfig | PadCollateConfig;

/** A batch of `rows` samples in `arrays`, those beyond the ones given repeating the first. `nameOf` names a sample, by its place, in errors. */
export function padCollate(
  samples: readonly Sample[],
  rows: number,
  config: PadCollateConfig,
  arrays: BatchArrays,
  nameOf: (place: number) => string,
): Record<string, HostTensor> {
  const { images = ['image'], sizeDivisor = 1, padValue = 0 } = config;
  const filled = Array.from({ length: rows }, (_, i) => samples[i] ?? samples[0]);
  const result: Record<string, HostTensor> = {};
  for (const name of Object.keys(samples[0]?.tensors ?? {})) {
    const tensors = filled.map((sample, place) => sample?.tensors[name] ?? missing(name, nameOf(place)));
    const isImage = images.includes(name);
    const shape = paddedShape(name, tensors, isImage ? sizeDivisor : null, nameOf);
    result[name] = padded(tensors, shape, isImage ? padValue : 0, arrays);
    if (isImage || shape.length === 0) continue;
    const lengths = arrays.take('int32', rows);
    tensors.forEach((tensor, row) => {
      lengths[row] = tensor.shape[0] ?? 0;
    });
    result[`${name}Length`] = hostTensor([rows], 'int32', lengths);
  }
  return result;
}

function missing(name: string, sample: string): never {
  throw new OmmaError(`data loader: ${sample} has no ${name}, as the first sample of its batch has`);
}

/** The shape that holds all of them: pictures grow in two axes, to a multiple of `divisor`, lists (null) in the first, to a power of two. */
function paddedShape(
  name: string,
  tensors: readonly HostTensor[],
  divisor: number | null,
  nameOf: (place: number) => string,
): Shape {
  const growing = divisor === null ? 1 : 2;
  const first = tensors[0]?.shape ?? [];
  const wrong = tensors.findIndex(
    ({ shape, dtype }) =>
      dtype !== tensors[0]?.dtype ||
      shape.length !== first.length ||
      shape.slice(growing).some((extent, axis) => extent !== first[axis + growing]),
  );
  if (wrong >= 0) {
    const tensor = tensors[wrong];
    throw new OmmaError(
      `data loader: ${nameOf(wrong)} gives ${name} as ${tensor?.dtype} [${tensor?.shape.join(', ')}], which does not go with ${tensors[0]?.dtype} [${first.join(', ')}] in its batch; PadCollate pads the first ${growing === 1 ? 'axis' : 'two axes'} only`,
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
  arrays: BatchArrays,
): HostTensor {
  const dtype = tensors[0]?.dtype ?? 'uint8';
  const size = sizeOf(shape);
  const data = arrays.take(dtype, size * tensors.length);
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
  return hostTensor([tensors.length, ...shape], dtype, data);
}
