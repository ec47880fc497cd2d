/**
 * Carries out a plan on decoded pixels: crop, resize, pad and mirror in two passes, along rows and then along columns.
 *
 * The filter is the antialiased triangle of Pillow and torchvision (bilinear when enlarging, an average when shrinking), and the
 * region may lie between pixels, as with Pillow's `box`. The arithmetic is Pillow's too: integers with 22 binary places, rounded to bytes
 * after each pass. So the results are those of `Image.resize(..., BILINEAR, box)`, bit for bit, and the addon's (`native/src/resample.cpp`)
 * and this file's are the same. The addon, where it is built, is what runs.
 */

import { pictureAddon } from './addon.ts';
import type { Picture, Plan } from './picture.ts';

/** Binary places of the weights. */
const places = 22;
const half = 1 << (places - 1);

/** Which source elements make one target element of an axis: `weights[i * taps + k]` times source `first[i] + k`. */
interface AxisWeights {
  readonly taps: number;
  readonly first: Int32Array;
  readonly weights: Int32Array;
}

/** The planned picture, rows together, channels last, written to `target` or to a new array. */
export function resample(
  source: Picture,
  plan: Plan,
  target: Uint8Array = new Uint8Array(plan.width * plan.height * source.channels),
): Uint8Array {
  if (pictureAddon === null) return resamplePortably(source, plan, target);
  const { data, width, height, channels } = source;
  const { region, flip } = plan;
  pictureAddon.resample(
    ...([data, width, height, channels] as const),
    ...([region.left, region.top, region.width, region.height, plan.width, plan.height, flip] as const),
    target,
  );
  return target;
}

/** The same without the addon. */
export function resamplePortably(source: Picture, plan: Plan, target: Uint8Array): Uint8Array {
  const { region, width, height } = plan;
  const across = axisWeights(region.left, region.width, width, source.width, plan.flip);
  const down = axisWeights(region.top, region.height, height, source.height, false);
  const top = down.first.reduce((least, row) => Math.min(least, row), source.height);
  const bottom = down.first.reduce((most, row) => Math.max(most, row), 0) + down.taps;
  const rows = resampleRows(source, across, top, bottom);
  resampleColumns(rows, down, top, width * source.channels, target);
  return target;
}

/** Weights for `size` targets spread over [start, start + length) of an axis with `extent` elements. */
function axisWeights(
  start: number,
  length: number,
  size: number,
  extent: number,
  mirrored: boolean,
): AxisWeights {
  const scale = length / size;
  const support = Math.max(1, scale);
  const taps = Math.min(extent, Math.ceil(support * 2));
  const first = new Int32Array(size);
  const weights = new Int32Array(size * taps);
  const triangle = (at: number, centre: number) => Math.max(0, 1 - Math.abs(at + 0.5 - centre) / support);
  for (let i = 0; i < size; i++) {
    const target = mirrored ? size - 1 - i : i;
    const centre = start + (i + 0.5) * scale;
    // Beyond the picture all is black; half a pixel inside, the border pixel alone counts.
    if (centre < 0 || centre >= extent) continue;
    const from = Math.max(0, Math.floor(centre - support + 0.5));
    const to = Math.min(extent, Math.floor(centre + support + 0.5));
    const begin = Math.min(from, extent - taps);
    first[target] = begin;
    let total = 0;
    for (let at = from; at < to; at++) total += triangle(at, centre);
    for (let at = from; at < to; at++) {
      weights[target * taps + at - begin] = Math.floor(0.5 + (triangle(at, centre) / total) * (1 << places));
    }
  }
  return { taps, first, weights };
}

function resampleRows(source: Picture, axis: AxisWeights, top: number, bottom: number): Uint8ClampedArray {
  const { channels, data } = source;
  const { taps, first, weights } = axis;
  const width = first.length;
  const rows = new Uint8ClampedArray((bottom - top) * width * channels);
  let out = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * source.width + (first[x] ?? 0)) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = half;
        for (let k = 0; k < taps; k++)
          sum += (weights[x * taps + k] ?? 0) * (data[from + k * channels + c] ?? 0);
        rows[out++] = sum >> places;
      }
    }
  }
  return rows;
}

function resampleColumns(
  rows: Uint8ClampedArray,
  axis: AxisWeights,
  top: number,
  rowLength: number,
  target: Uint8Array,
): void {
  const { taps, first, weights } = axis;
  const line = new Int32Array(rowLength);
  const bytes = new Uint8ClampedArray(target.buffer, target.byteOffset, target.length);
  for (let y = 0; y < first.length; y++) {
    line.fill(half);
    for (let k = 0; k < taps; k++) {
      const weight = weights[y * taps + k] ?? 0;
      if (weight === 0) continue;
      const from = ((first[y] ?? 0) - top + k) * rowLength;
      for (let x = 0; x < rowLength; x++) line[x] = (line[x] ?? 0) + weight * (rows[from + x] ?? 0);
    }
    for (let x = 0; x < rowLength; x++) bytes[y * rowLength + x] = (line[x] ?? 0) >> places;
  }
}
