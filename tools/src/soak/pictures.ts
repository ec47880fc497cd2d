/** Pictures for the soak: JPEG files of two kinds of stripes, in folders by split and class. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

export const batchSize = 4;
/** Height and width that the network sees. */
export const pictureSize = 16;
export const trainPictures = 800;
const valPictures = 32;
/** Height and width of the files. */
const fileSize = 24;

export async function writePictures(root: string): Promise<void> {
  for (const [split, count] of [
    ['train', trainPictures],
    ['val', valPictures],
  ] as const) {
    for (const [label, name] of ['across', 'down'].entries()) {
      const folder = join(root, split, name);
      await mkdir(folder, { recursive: true });
      for (let i = 0; i < count / 2; i++)
        await writeFile(
          join(folder, `${i}.jpg`),
          await stripes(label, i, split === 'val' ? pictureSize : fileSize),
        );
    }
  }
}

function stripes(label: number, shift: number, size: number): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: 3 * size * size }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const along = label === 0 ? Math.floor(pixel / size) : pixel % size;
    return (along + shift) % 4 < 2 ? 40 + (shift % 50) : 200;
  });
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .jpeg()
    .toBuffer();
}
