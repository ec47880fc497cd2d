/**
 * Resampling along one axis as a matrix [outputs, inputs]: interpolation and adaptive averaging are products with two of them.
 *
 * The taps follow PyTorch: pixel centres at half unless `alignCorners`, nearest rounds down, bicubic has a = -0.75 and repeats
 * the border, nothing is smoothed when shrinking.
 */

import { hostArray } from '../../dtype.ts';
import { type Tensor, tensor } from '../../tensor.ts';

export type ResizeMode = 'nearest' | 'bilinear' | 'bicubic';

/** What an output element takes from input `index`. */
export interface Tap {
  readonly index: number;
  readonly weight: number;
}

const cubicA = -0.75;

/** Taps of each output element when `input` elements are resized to `output`. */
export function resizeTaps(
  input: number,
  output: number,
  mode: ResizeMode,
  alignCorners: boolean,
): readonly (readonly Tap[])[] {
  const ratio = alignCorners ? (output > 1 ? (input - 1) / (output - 1) : 0) : input / output;
  return Array.from({ length: output }, (_, place) => {
    if (mode === 'nearest') return [{ index: nearestIndex(place, input, output), weight: 1 }];
    const centre = alignCorners ? place * ratio : (place + 0.5) * ratio - 0.5;
    return mode === 'bilinear' ? linearTaps(Math.max(centre, 0), input) : cubicTaps(centre, input);
  });
}

/** Taps of adaptive averaging: output `place` is the mean of inputs floor(place n / m) up to ceil((place + 1) n / m). */
export function averageTaps(input: number, output: number): readonly (readonly Tap[])[] {
  return Array.from({ length: output }, (_, place) => {
    const from = Math.floor((place * input) / output);
    const to = Math.ceil(((place + 1) * input) / output);
    return Array.from({ length: to - from }, (__, i) => ({ index: from + i, weight: 1 / (to - from) }));
  });
}

/** The taps as a constant matrix [outputs, inputs]. */
export function tapMatrix(taps: readonly (readonly Tap[])[], input: number): Tensor {
  const data = hostArray('float32', taps.length * input);
  taps.forEach((list, row) => {
    for (const { index, weight } of list)
      data[row * input + index] = (data[row * input + index] ?? 0) + weight;
  });
  return tensor(data, [taps.length, input]);
}

function linearTaps(centre: number, input: number): Tap[] {
  const low = Math.min(Math.floor(centre), input - 1);
  const fraction = Math.min(centre - low, 1);
  return [
    { index: low, weight: 1 - fraction },
    { index: Math.min(low + 1, input - 1), weight: fraction },
  ];
}

function cubicTaps(centre: number, input: number): Tap[] {
  const low = Math.floor(centre);
  return [-1, 0, 1, 2].map((offset) => ({
    index: Math.min(Math.max(low + offset, 0), input - 1),
    weight: cubic(Math.abs(centre - (low + offset))),
  }));
}

/** Keys' cubic convolution kernel. */
function cubic(distance: number): number {
  const d = distance;
  if (d <= 1) return ((cubicA + 2) * d - (cubicA + 3)) * d * d + 1;
  if (d < 2) return ((d - 5) * d + 8) * d * cubicA - 4 * cubicA;
  return 0;
}

/** In float32, as PyTorch computes it: the rounding decides where the scale is not exact. */
function nearestIndex(place: number, input: number, output: number): number {
  const scale = Math.fround(input / output);
  return Math.min(Math.floor(Math.fround(place * scale)), input - 1);
}
