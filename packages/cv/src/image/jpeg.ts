/**
 * JPEG files through the addon. Everything here answers null for what the addon does not take (it is not built, the file is no JPEG, turned, in a
 * printer's colours, or damaged): sharp then decodes it, or says what is wrong with it. Both decode with libjpeg-turbo, to the same pixels.
 */

import { pictureAddon } from './addon.ts';
import type { Picture, Plan } from './picture.ts';
import { maxPixels } from './vips.ts';

export interface JpegSize {
  readonly width: number;
  readonly height: number;
}

/** The size of an upright JPEG. */
export function jpegSize(bytes: Uint8Array): JpegSize | null {
  const [width = 0, height = 0, orientation] = pictureAddon?.jpegHeader(bytes) ?? [];
  return orientation === 1 && width * height <= maxPixels ? { width, height } : null;
}

/** All of it. */
export function decodeJpeg(bytes: Uint8Array, { width, height }: JpegSize): Picture | null {
  const data = new Uint8Array(width * height * 3);
  return pictureAddon?.decodeJpeg(bytes, width, height, data) === true
    ? { width, height, channels: 3, data }
    : null;
}

/**
 * The planned pixels, written to `target`. Only the part that they need is decoded, which changes none of them. Where the plan shrinks to a
 * quarter or less, libjpeg decodes at a fraction of the size and at least a factor of two is left to the filter.
 */
export function renderJpeg(bytes: Uint8Array, size: JpegSize, plan: Plan, target: Uint8Array): boolean {
  const { region, width, height, flip } = plan;
  const shrink = decodeShrink(Math.min(region.width / width, region.height / height));
  const scaled = (length: number) => length / shrink;
  return (
    pictureAddon?.renderJpeg(
      bytes,
      Math.ceil(size.width / shrink),
      Math.ceil(size.height / shrink),
      shrink,
      scaled(region.left),
      scaled(region.top),
      scaled(region.width),
      scaled(region.height),
      width,
      height,
      flip,
      target,
    ) ?? false
  );
}

function decodeShrink(factor: number): number {
  return [8, 4, 2].find((shrink) => factor >= 2 * shrink) ?? 1;
}
