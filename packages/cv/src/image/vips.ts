/**
 * sharp (libvips), set up once for the way Omma uses it: many small pictures, each on one thread, none twice.
 *
 * Everything that decodes or draws gets sharp from here. Parallelism comes from having several pictures in work, not from threads
 * inside one; libvips' own cache would only keep operations that never come again.
 */

import sharp, { type Sharp } from 'sharp';

sharp.cache(false);
sharp.concurrency(1);

/** More pixels than this are refused: a small file can claim to be a picture that fills the memory. */
export const maxPixels = 100_000_000;

/** A pipeline that decodes `bytes` upright to 8-bit RGB and fails on damage instead of filling in grey. */
export function openPicture(bytes: Uint8Array): Sharp {
  return sharp(bytes, { failOn: 'error', limitInputPixels: maxPixels })
    .autoOrient()
    .toColourspace('srgb')
    .removeAlpha();
}

export { type Sharp, sharp };
