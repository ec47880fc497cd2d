/**
 * Keeps decoded pictures in memory, up to a number of bytes. Decoding a small JPEG costs several times what cropping and resizing it
 * does, and every epoch needs it again.
 *
 * The memory is shared: each worker thread finds what any of them has decoded. It is reserved at once, and the system gives pages as they are written.
 * Fills up and stays: in training every picture is used once an epoch, so throwing one out for another would gain nothing.
 */

import type { Picture } from '../image/picture.ts';

/** The memory of a cache, to be handed to another thread. */
export interface CacheMemory {
  readonly pixels: SharedArrayBuffer;
  /** A cursor, in blocks, then four words a picture: its first block plus one, width, height, channels. */
  readonly index: SharedArrayBuffer;
}

/** Places are counted in blocks of so many bytes, so that 32 bits reach far. */
const block = 16;
const wordsPerPicture = 4;

export class PictureCache {
  readonly memory: CacheMemory;
  readonly #pixels: Uint8Array;
  readonly #index: Int32Array;

  /** A new cache for `count` pictures in at most `maxBytes`, or, given its memory, one that another thread has made. */
  constructor(from: CacheMemory | { readonly maxBytes: number; readonly count: number }) {
    this.memory =
      'pixels' in from
        ? from
        : {
            pixels: new SharedArrayBuffer(from.maxBytes - (from.maxBytes % block)),
            index: new SharedArrayBuffer(4 * (1 + wordsPerPicture * from.count)),
          };
    this.#pixels = new Uint8Array(this.memory.pixels);
    this.#index = new Int32Array(this.memory.index);
  }

  /** Bytes in use. */
  get bytes(): number {
    return Math.min(this.#pixels.length, Atomics.load(this.#index, 0) * block);
  }

  get(picture: number): Picture | undefined {
    const entry = 1 + picture * wordsPerPicture;
    const place = Atomics.load(this.#index, entry);
    if (place === 0) return undefined;
    const [width = 0, height = 0, channels = 0] = this.#index.subarray(entry + 1, entry + wordsPerPicture);
    const start = (place - 1) * block;
    return { width, height, channels, data: this.#pixels.subarray(start, start + width * height * channels) };
  }

  add(picture: number, { width, height, channels, data }: Picture): void {
    const entry = 1 + picture * wordsPerPicture;
    const blocks = Math.ceil(data.length / block);
    if (Atomics.load(this.#index, entry) !== 0 || this.bytes + data.length > this.#pixels.length) return;
    const first = Atomics.add(this.#index, 0, blocks);
    if ((first + blocks) * block > this.#pixels.length) return;
    this.#pixels.set(data, first * block);
    this.#index.set([width, height, channels], entry + 1);
    // Readers look at this word first, so it is written last.
    Atomics.store(this.#index, entry, first + 1);
  }
}
