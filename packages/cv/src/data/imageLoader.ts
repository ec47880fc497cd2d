/** Loads and transforms single pictures of a data set: the part that all data sets of picture files share. */

import { hostArray, hostTensor, sizeOf } from '@omma/core';
import { decodePicture, pictureSize, readPictureFile } from '../image/decode.ts';
import type { Picture } from '../image/picture.ts';
import { isSmall, renderLarge } from '../image/render.ts';
import { resample } from '../image/resample.ts';
import { identityPlan, type RandomNumbers, type Transform } from '../transforms/transform.ts';
import type { ImageContext, ImageSample } from './dataset.ts';
import type { PictureCache } from './pictureCache.ts';

/** Memory for decoded pictures unless a config says otherwise: small data sets fit whole. */
export const defaultCacheBytes = 512 * 2 ** 20;

/** A file this short is probably a small picture and is decoded without a look at its header first. */
const smallBytes = 48 * 2 ** 10;

/** Where the pixels of a sample go. */
type Target = Pick<ImageContext, 'allocate'>;

export class ImageLoader {
  readonly #transform: Transform;
  readonly #cache: PictureCache | null;

  /** Without a cache every picture is decoded each time. */
  constructor(transform: Transform, cache: PictureCache | null = null) {
    this.#transform = transform;
    this.#cache = cache;
  }

  /** The pixels of the file at `path`, transformed: uint8 [height, width, 3]. `index` is its key in the cache. */
  async load(index: number, path: string, random: RandomNumbers, target: Target = {}) {
    const cached = this.#cache?.get(index);
    if (cached !== undefined) return transformed(cached, this.#transform, random, target);
    const bytes = await readPictureFile(path);
    const picture = bytes.length <= smallBytes ? await decodePicture(bytes, path) : null;
    const size = picture ?? (await pictureSize(bytes, path));
    if (isSmall(size)) {
      const small = picture ?? (await decodePicture(bytes, path));
      this.#cache?.add(index, small);
      return transformed(small, this.#transform, random, target);
    }
    const plan = this.#transform(identityPlan(size.width, size.height), random);
    const pixels = await renderLarge(bytes, size, plan, path);
    return hostTensor([plan.height, plan.width, 3], 'uint8', pixels);
  }
}

/** A decoded picture, transformed. */
export function transformed(
  picture: Picture,
  transform: Transform,
  random: RandomNumbers,
  { allocate = (_, dtype, shape) => hostArray(dtype, sizeOf(shape)) }: Target = {},
) {
  const plan = transform(identityPlan(picture.width, picture.height), random);
  const shape = [plan.height, plan.width, picture.channels];
  const pixels = allocate('image', 'uint8', shape);
  if (!(pixels instanceof Uint8Array)) throw new Error('image: expected bytes to write to');
  resample(picture, plan, pixels);
  return hostTensor(shape, 'uint8', pixels);
}

/** An image and its label as a sample. */
export function labelled(image: ImageSample['tensors']['image'], label: number): ImageSample {
  return { tensors: { image, label: hostTensor([], 'int32', Int32Array.of(label)) } };
}
