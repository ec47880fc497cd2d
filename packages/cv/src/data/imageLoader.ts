/** Loads and transforms single pictures of a data set: the part that all data sets of picture files share. */

import { hostTensor } from '@omma/core';
import { decodePicture, pictureSize, readPictureFile } from '../image/decode.ts';
import type { Picture } from '../image/picture.ts';
import { isSmall, renderLarge } from '../image/render.ts';
import { resample } from '../image/resample.ts';
import { identityPlan, type RandomNumbers, type Transform } from '../transforms/transform.ts';
import type { ImageSample } from './dataset.ts';
import { PictureCache } from './pictureCache.ts';

/** Memory for decoded pictures unless a config says otherwise: small data sets fit whole. */
export const defaultCacheBytes = 512 * 2 ** 20;

/** A file this short is probably a small picture and is decoded without a look at its header first. */
const smallBytes = 48 * 2 ** 10;

export class ImageLoader {
  readonly #transform: Transform;
  readonly #cache: PictureCache;

  constructor(transform: Transform, cacheBytes = defaultCacheBytes) {
    this.#transform = transform;
    this.#cache = new PictureCache(cacheBytes);
  }

  /** The pixels of the file at `path`, transformed: uint8 [height, width, 3]. `index` is its key in the cache. */
  async load(index: number, path: string, random: RandomNumbers) {
    const cached = this.#cache.get(index);
    if (cached !== undefined) return transformed(cached, this.#transform, random);
    const bytes = await readPictureFile(path);
    const picture = bytes.length <= smallBytes ? await decodePicture(bytes, path) : null;
    const size = picture ?? (await pictureSize(bytes, path));
    if (isSmall(size)) {
      const small = picture ?? (await decodePicture(bytes, path));
      this.#cache.add(index, small);
      return transformed(small, this.#transform, random);
    }
    const plan = this.#transform(identityPlan(size.width, size.height), random);
    const pixels = await renderLarge(bytes, size, plan, path);
    return hostTensor([plan.height, plan.width, 3], 'uint8', pixels);
  }
}

/** A decoded picture, transformed. */
export function transformed(picture: Picture, transform: Transform, random: RandomNumbers) {
  const plan = transform(identityPlan(picture.width, picture.height), random);
  return hostTensor([plan.height, plan.width, picture.channels], 'uint8', resample(picture, plan));
}

/** An image and its label as a sample. */
export function labelled(image: ImageSample['tensors']['image'], label: number): ImageSample {
  return { tensors: { image, label: hostTensor([], 'int32', Int32Array.of(label)) } };
}
