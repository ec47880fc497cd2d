/** Transforms that change colours. Names, ranges and order of torchvision and MMPretrain; the arithmetic on bytes is Pillow's. */

import type { Picture } from '../image/picture.ts';
import type { PixelTransform, RandomNumbers } from './transform.ts';

/**
 * Brightness, contrast and saturation by a random factor of [max(0, 1 - x), 1 + x] each, or of a given range, the hue by a part of its circle from
 * [-hue, hue], in random order. What is left out stays as it is. Grey pictures have brightness and contrast alone.
 */
export interface ColorJitterOptions {
  readonly brightness?: number | readonly [number, number];
  readonly contrast?: number | readonly [number, number];
  readonly saturation?: number | readonly [number, number];
  /** At most 0.5. */
  readonly hue?: number | readonly [number, number];
}

/** Grey in all channels with this probability, 0.1 unless given. */
export interface RandomGrayscaleOptions {
  readonly probability?: number;
}

type Change = (picture: Picture, factor: number) => void;

export function colorJitter({ brightness, contrast, saturation, hue }: ColorJitterOptions): PixelTransform {
  const around = (value: number | readonly [number, number]): readonly [number, number] =>
    typeof value === 'number' ? [Math.max(0, 1 - value), 1 + value] : value;
  const changes: { readonly range: readonly [number, number]; readonly change: Change }[] = [];
  if (brightness !== undefined) changes.push({ range: around(brightness), change: adjustBrightness });
  if (contrast !== undefined) changes.push({ range: around(contrast), change: adjustContrast });
  if (saturation !== undefined) changes.push({ range: around(saturation), change: adjustSaturation });
  if (hue !== undefined)
    changes.push({ range: typeof hue === 'number' ? [-hue, hue] : hue, change: adjustHue });
  return {
    pixels: (picture, random) => {
      for (const { range, change } of shuffled(changes, random)) {
        change(picture, range[0] + random() * (range[1] - range[0]));
      }
    },
  };
}

export function randomGrayscale({ probability = 0.1 }: RandomGrayscaleOptions): PixelTransform {
  return {
    pixels: (picture, random) => {
      if (random() < probability) adjustSaturation(picture, 0);
    },
  };
}

/** Towards black (0) or away from it (above 1). */
export function adjustBrightness({ data }: Picture, factor: number): void {
  apply(
    data,
    table((value) => factor * value),
  );
}

/** Towards the mean lightness (0) or away from it. */
export function adjustContrast(picture: Picture, factor: number): void {
  const { data, channels } = picture;
  let total = 0;
  for (let at = 0; at < data.length; at += channels) total += lightness(data, at, channels);
  const mean = Math.floor(total / (data.length / channels) + 0.5);
  apply(
    data,
    table((value) => mean + factor * (value - mean)),
  );
}

/** Towards grey (0) or away from it. */
export function adjustSaturation({ data, channels }: Picture, factor: number): void {
  if (channels !== 3) return;
  for (let at = 0; at < data.length; at += 3) {
    const grey = lightness(data, at, 3);
    for (let c = at; c < at + 3; c++) data[c] = clipped(grey + factor * ((data[c] ?? 0) - grey));
  }
}

/** Turned by a part of the circle of hues; lightest and darkest channel keep their values. */
export function adjustHue({ data, channels }: Picture, turn: number): void {
  if (channels !== 3 || turn === 0) return;
  for (let at = 0; at < data.length; at += 3) {
    const [red = 0, green = 0, blue = 0] = [data[at], data[at + 1], data[at + 2]];
    const most = Math.max(red, green, blue);
    const spread = most - Math.min(red, green, blue);
    if (spread === 0) continue;
    const sixth =
      most === red
        ? (green - blue) / spread
        : most === green
          ? 2 + (blue - red) / spread
          : 4 + (red - green) / spread;
    const hue = (((sixth + 6 * turn) % 6) + 6) % 6;
    // The HSV formula of f(n) = v - v s max(0, min(k, 4 - k, 1)), k = (n + hue) mod 6, for n = 5, 3, 1.
    for (let c = 0; c < 3; c++) {
      const k = (5 - 2 * c + hue) % 6;
      data[at + c] = Math.round(most - spread * Math.max(0, Math.min(k, 4 - k, 1)));
    }
  }
}

/** ITU-R 601 in 16 binary places, as Pillow's `convert('L')`. */
function lightness(data: Uint8Array, at: number, channels: number): number {
  if (channels !== 3) return data[at] ?? 0;
  return ((data[at] ?? 0) * 19595 + (data[at + 1] ?? 0) * 38470 + (data[at + 2] ?? 0) * 7471 + 0x8000) >> 16;
}

/** As Pillow's `blend`: cut to bytes, never rounded. */
function clipped(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
}

function table(change: (value: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, value) => clipped(change(value)));
}

function apply(data: Uint8Array, values: Uint8Array): void {
  for (let at = 0; at < data.length; at++) data[at] = values[data[at] ?? 0] ?? 0;
}

/** Fisher and Yates. */
function shuffled<T>(list: readonly T[], random: RandomNumbers): T[] {
  const result = [...list];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [result[last], result[other]];
    if (a === undefined || b === undefined) continue;
    result[last] = b;
    result[other] = a;
  }
  return result;
}
