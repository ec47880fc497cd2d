/**
 * From the bytes of a picture file to the planned pixels, on the shorter of two ways.
 *
 * Small pictures are decoded whole and resampled here; they may come from a cache. Large ones go through one fused libvips
 * pipeline, which decodes JPEG at a fraction of its size where the plan shrinks it. Which way is taken depends on the picture's
 * size alone, so a cache never changes a number.
 */

import { decoding } from './decode.ts';
import type { Plan, Region } from './picture.ts';
import { openPicture, plainBytes, type Sharp } from './vips.ts';

/** Pictures with at most this many pixels are decoded whole. */
export const smallPixels = 256 * 256;

export function isSmall(size: { readonly width: number; readonly height: number }): boolean {
  return size.width * size.height <= smallPixels;
}

/** Carries out a plan on a large picture while decoding it. */
export async function renderLarge(
  bytes: Uint8Array,
  size: { readonly width: number; readonly height: number },
  plan: Plan,
  name: string,
): Promise<Uint8Array> {
  const inside = intersection(plan.region, size);
  if (inside === null) return new Uint8Array(plan.width * plan.height * 3);
  const placed = place(plan, inside);
  const shrinks = placed.width <= inside.width && placed.height <= inside.height;
  return decoding(name, async () => {
    const cropped = shrinks
      ? resizeThenCrop(openPicture(bytes), size, inside, placed, plan.flip)
      : openPicture(bytes)
          .extract(inside)
          .resize(placed.width, placed.height, { fit: 'fill', kernel: 'linear' });
    const flipped = plan.flip ? cropped.flop() : cropped;
    const pixels = plainBytes(await flipped.raw({ depth: 'uchar' }).toBuffer());
    return pixels.length === plan.width * plan.height * 3 ? pixels : padded(pixels, placed, plan);
  });
}

/** Where the part inside the picture lands in the target. */
function place(plan: Plan, inside: Region): Region {
  const [scaleX, scaleY] = [plan.width / plan.region.width, plan.height / plan.region.height];
  const left = Math.round((inside.left - plan.region.left) * scaleX);
  const top = Math.round((inside.top - plan.region.top) * scaleY);
  return {
    left,
    top,
    width: Math.max(1, Math.min(plan.width - left, Math.round(inside.width * scaleX))),
    height: Math.max(1, Math.min(plan.height - top, Math.round(inside.height * scaleY))),
  };
}

/** Resizing first lets libjpeg skip work, and needs the crop in target pixels. libvips mirrors before this crop, so it counts from the other side. */
function resizeThenCrop(
  pipeline: Sharp,
  size: { readonly width: number; readonly height: number },
  inside: Region,
  placed: Region,
  flip: boolean,
): Sharp {
  const width = Math.max(placed.width, Math.round((size.width * placed.width) / inside.width));
  const height = Math.max(placed.height, Math.round((size.height * placed.height) / inside.height));
  const left = Math.min(width - placed.width, Math.round((inside.left * placed.width) / inside.width));
  const top = Math.min(height - placed.height, Math.round((inside.top * placed.height) / inside.height));
  return pipeline.resize(width, height, { fit: 'fill', kernel: 'linear' }).extract({
    left: flip ? width - left - placed.width : left,
    top,
    width: placed.width,
    height: placed.height,
  });
}

function padded(pixels: Uint8Array, placed: Region, plan: Plan): Uint8Array {
  const result = new Uint8Array(plan.width * plan.height * 3);
  const left = plan.flip ? plan.width - placed.left - placed.width : placed.left;
  for (let y = 0; y < placed.height; y++) {
    const row = pixels.subarray(y * placed.width * 3, (y + 1) * placed.width * 3);
    result.set(row, ((placed.top + y) * plan.width + left) * 3);
  }
  return result;
}

/** The part of `region` that lies in a picture of this size, in whole pixels; null when they do not meet. */
function intersection(
  region: Region,
  size: { readonly width: number; readonly height: number },
): Region | null {
  const left = Math.max(0, Math.round(region.left));
  const top = Math.max(0, Math.round(region.top));
  const right = Math.min(size.width, Math.round(region.left + region.width));
  const bottom = Math.min(size.height, Math.round(region.top + region.height));
  if (right <= left || bottom <= top) return null;
  return { left, top, width: right - left, height: bottom - top };
}
