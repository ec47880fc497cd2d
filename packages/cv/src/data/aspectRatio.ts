/** The shape of a picture file from its header, at once: an order of samples by shape is made before anything is decoded. */

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { imageSize } from 'image-size';

/** Headers are within these bytes, unless a camera's notes come first. */
const headerBytes = 64 * 1024;

/** Width / height of the upright picture; null where the header cannot be read. */
export function aspectRatioOfFile(path: string): number | null {
  try {
    return ratio(start(path)) ?? ratio(readFileSync(path));
  } catch {
    // What is wrong with a file is said when it is loaded.
    return null;
  }
}

function start(path: string): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(headerBytes);
    return bytes.subarray(0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

function ratio(bytes: Uint8Array): number | null {
  try {
    const { width, height, orientation = 1 } = imageSize(bytes);
    // EXIF's orientations from 5 on lie on their side.
    return orientation >= 5 ? height / width : width / height;
  } catch {
    return null;
  }
}
