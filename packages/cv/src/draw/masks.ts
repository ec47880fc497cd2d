/** Masks as a layer of pixels. */

import { OmmaError } from '@omma/core';
import { rgbOf } from './color.ts';
import type { MaskOptions } from './drawing.ts';
import { eachOf } from './each.ts';

/** Red, green, blue, alpha of each pixel: the masks, one over the other. */
export function maskLayer(
  masks: readonly ArrayLike<number | boolean>[],
  { colors = 'green', alphas = 0.8 }: MaskOptions,
  width: number,
  height: number,
): Uint8Array<ArrayBuffer> {
  const color = eachOf('drawBinaryMasks', 'colors', colors, masks.length);
  const alphaOf = eachOf('drawBinaryMasks', 'alphas', alphas, masks.length);
  const layer = new Float32Array(width * height * 4);
  masks.forEach((mask, i) => {
    if (mask.length !== width * height)
      throw new OmmaError(
        `drawing: mask ${i} has ${mask.length} pixels but the picture ${width}x${height} = ${width * height}`,
      );
    const [red, green, blue] = rgbOf(color(i));
    const alpha = Math.max(0, Math.min(1, alphaOf(i)));
    for (let pixel = 0, at = 0; pixel < mask.length; pixel++, at += 4) {
      if (!mask[pixel]) continue;
      // Porter and Duff's "over", with colors that are multiplied by their alpha until the end.
      layer[at] = red * alpha + (layer[at] ?? 0) * (1 - alpha);
      layer[at + 1] = green * alpha + (layer[at + 1] ?? 0) * (1 - alpha);
      layer[at + 2] = blue * alpha + (layer[at + 2] ?? 0) * (1 - alpha);
      layer[at + 3] = alpha + (layer[at + 3] ?? 0) * (1 - alpha);
    }
  });
  const pixels = new Uint8Array(layer.length);
  for (let at = 0; at < layer.length; at += 4) {
    const alpha = layer[at + 3] ?? 0;
    if (alpha === 0) continue;
    for (let channel = 0; channel < 3; channel++)
      pixels[at + channel] = Math.round((layer[at + channel] ?? 0) / alpha);
    pixels[at + 3] = Math.round(255 * alpha);
  }
  return pixels;
}
