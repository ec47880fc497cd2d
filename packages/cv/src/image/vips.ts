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

/**
 * A pipeline that decodes `bytes` upright to 8-bit RGB and fails on damage instead of filling in grey. Colour profiles are not applied, as Pillow
 * and OpenCV do not: networks were trained on pixels as they are stored.
 */
export function openPicture(bytes: Uint8Array): Sharp {
  return sharp(bytes, { failOn: 'error', limitInputPixels: maxPixels, ignoreIcc: true })
    .autoOrient()
    .toColourspace('srgb')
    .removeAlpha();
}

/** What a pipeline made, as a plain array: Node's Buffer is one too, but its `slice` shares memory where an array's copies. */
export function plainBytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

export { type Sharp, sharp };
