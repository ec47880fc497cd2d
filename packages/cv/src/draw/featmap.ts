/**
 * Feature maps as pictures: one channel, or what the channels come to, in the colours of a heat map over the picture that it was computed from;
 * MMEngine's `draw_featmap`.
 */

import { type HostTensor, OmmaError } from '@omma/core';
import type { Picture } from '../image/picture.ts';
import { plainBytes, sharp } from '../image/vips.ts';

export interface FeatmapOptions {
  /** The picture below the heat map; its size is the result's. The heat map alone, in the map's size, unless given. */
  readonly overlaidImage?: Picture;
  /**
   * What becomes of the channels: their mean (`squeezeMean`, unless given), the one with the largest mean (`selectMax`), or `null`: the `topk` channels with the
   * largest means, side by side.
   */
  readonly channelReduction?: 'squeezeMean' | 'selectMax' | null;
  /** For `channelReduction: null`; 20 unless given. */
  readonly topk?: number;
  /** Rows and columns of these; as square as it gets unless given. */
  readonly arrangement?: readonly [rows: number, columns: number];
  /** Share of the heat map over the picture, 0 to 1; 0.5 unless given. */
  readonly alpha?: number;
}

/** `featmap`: [channels, height, width] or [1, channels, height, width]. Throws OmmaError for other shapes. */
export async function drawFeatmap(featmap: HostTensor, options: FeatmapOptions = {}): Promise<Picture> {
  const { channelReduction = 'squeezeMean', topk = 20 } = options;
  const shape = featmap.shape.length === 4 && featmap.shape[0] === 1 ? featmap.shape.slice(1) : featmap.shape;
  const [channels = 0, height = 0, width = 0] = shape;
  if (shape.length !== 3 || channels * height * width === 0)
    throw new OmmaError(
      `drawFeatmap: expected [channels, height, width] but found [${featmap.shape.join(', ')}]; take one picture of the batch`,
    );
  const pixels = height * width;
  const channel = (index: number) =>
    Float64Array.from(featmap.data.subarray(index * pixels, (index + 1) * pixels), Number);
  if (channelReduction === 'squeezeMean') {
    const mean = new Float64Array(pixels);
    for (let i = 0; i < pixels * channels; i++)
      mean[i % pixels] = (mean[i % pixels] ?? 0) + Number(featmap.data[i] ?? 0) / channels;
    return overlaid(mean, width, height, options);
  }
  const sums = Array.from({ length: channels }, (_, c) => ({
    c,
    sum: channel(c).reduce((sum, value) => sum + value, 0),
  }));
  const best = sums.sort((a, b) => b.sum - a.sum).map(({ c }) => c);
  if (channelReduction === 'selectMax') return overlaid(channel(best[0] ?? 0), width, height, options);
  const chosen = best.slice(0, Math.max(1, topk));
  const tiles = await Promise.all(chosen.map((c) => overlaid(channel(c), width, height, options)));
  return sideBySide(tiles, options.arrangement);
}

async function overlaid(
  values: Float64Array,
  width: number,
  height: number,
  { overlaidImage, alpha = 0.5 }: FeatmapOptions,
): Promise<Picture> {
  const heat = heatMap(values);
  if (overlaidImage === undefined) return { width, height, channels: 3, data: heat };
  const { data } = await sharp(heat, { raw: { width, height, channels: 3 } })
    .resize(overlaidImage.width, overlaidImage.height, { fit: 'fill', kernel: 'linear' })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const resized = plainBytes(data);
  const below = overlaidImage.channels;
  const mixed = Uint8Array.from(resized, (value, i) => {
    const pixel = overlaidImage.data[below === 1 ? Math.floor(i / 3) : i] ?? 0;
    return Math.round(alpha * value + (1 - alpha) * pixel);
  });
  return { width: overlaidImage.width, height: overlaidImage.height, channels: 3, data: mixed };
}

/** Colours of `jet`, from blue for the smallest value to red for the largest; numbers that are not finite count as the smallest. */
function heatMap(values: Float64Array): Uint8Array {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const range = high > low ? high - low : 1;
  const colors = new Uint8Array(values.length * 3);
  for (const [i, value] of values.entries()) {
    const share = Number.isFinite(value) ? (value - low) / range : 0;
    for (let c = 0; c < 3; c++) {
      const ramp = 1.5 - Math.abs(4 * share - (3 - c));
      colors[3 * i + c] = Math.round(255 * Math.max(0, Math.min(1, ramp)));
    }
  }
  return colors;
}

function sideBySide(tiles: readonly Picture[], arrangement: FeatmapOptions['arrangement']): Picture {
  const square = Math.ceil(Math.sqrt(tiles.length));
  const [rows, columns] = arrangement ?? [Math.ceil(tiles.length / square), square];
  if (rows * columns < tiles.length)
    throw new OmmaError(
      `drawFeatmap: an arrangement of ${rows}x${columns} has no room for ${tiles.length} channels; lower topk`,
    );
  const [{ width, height } = { width: 0, height: 0 }] = tiles;
  const data = new Uint8Array(rows * height * columns * width * 3);
  for (const [i, tile] of tiles.entries()) {
    const [row, column] = [Math.floor(i / columns), i % columns];
    for (let y = 0; y < height; y++)
      data.set(
        tile.data.subarray(3 * y * width, 3 * (y + 1) * width),
        3 * ((row * height + y) * columns + column) * width,
      );
  }
  return { width: columns * width, height: rows * height, channels: 3, data };
}
