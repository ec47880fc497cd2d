/**
 * Picture files to pixels: JPEG, PNG, WebP, GIF, TIFF, AVIF, turned upright as their EXIF data say, as RGB bytes.
 *
 * A file that cannot be read or decoded is an OmmaError that names it; data loaders skip or stop on that, as the config says.
 */

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';
import { OmmaError } from '@omma/core';
import type { Picture } from './picture.ts';
import { maxPixels, openPicture, plainBytes } from './vips.ts';

/** File name endings that image folders look for. */
export const imageExtensions: readonly string[] = [
  '.jpg',
  '.jpeg',
  '.png',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
];

/** The bytes of a picture file. A worker thread waits for them, which costs less than half of what asynchronous reading does. */
export async function readPictureFile(path: string): Promise<Uint8Array> {
  try {
    return isMainThread ? await readFile(path) : readFileSync(path);
  } catch (error) {
    throw new OmmaError(`image ${path} cannot be read: ${reasonOf(error)}`);
  }
}

/** Decodes a whole picture. `name` is what errors call it. */
export async function decodePicture(bytes: Uint8Array, name: string): Promise<Picture> {
  return decoding(name, async () => {
    const { data, info } = await openPicture(bytes)
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels: info.channels, data: plainBytes(data) };
  });
}

/** Reads and decodes a picture file. */
export async function readPicture(path: string): Promise<Picture> {
  return decodePicture(await readPictureFile(path), path);
}

/** Size of the upright picture, from the header alone. */
export async function pictureSize(
  bytes: Uint8Array,
  name: string,
): Promise<{ width: number; height: number }> {
  return decoding(name, async () => {
    const { autoOrient } = await openPicture(bytes).metadata();
    if (autoOrient.width * autoOrient.height > maxPixels) throw new Error('Input image exceeds pixel limit');
    return autoOrient;
  });
}

/** Runs `work`, and says which picture it was when it fails. */
export async function decoding<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new OmmaError(`image ${name} cannot be decoded: ${reasonOf(error)}; replace or remove the file`);
  }
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/pixel limit/i.test(message)) return `it has more than ${maxPixels} pixels`;
  if (/unsupported image format/i.test(message)) return 'its content is not a known picture format';
  const lines = message.split('\n').map((line) => line.trim().replace(/[:;,.]+$/, ''));
  return lines.filter((line) => line !== '').join(', ');
}
