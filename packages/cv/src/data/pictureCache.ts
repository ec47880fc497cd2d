/**
 * Keeps decoded pictures in memory, up to a number of bytes. Decoding a small JPEG costs several times what cropping and resizing it
 * does, and every epoch needs it again.
 *
 * Fills up and stays: in training every picture is used once an epoch, so throwing one out for another would gain nothing.
 */

import type { Picture } from '../image/picture.ts';

export class PictureCache {
  readonly maxBytes: number;
  #bytes = 0;
  readonly #pictures = new Map<number, Picture>();

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(index: number): Picture | undefined {
    return this.#pictures.get(index);
  }

  add(index: number, picture: Picture): void {
    if (this.#pictures.has(index) || this.#bytes + picture.data.length > this.maxBytes) return;
    this.#bytes += picture.data.length;
    this.#pictures.set(index, picture);
  }
}
