/** Loads and transforms single pictures of a data set: the part that all data sets of picture files share. */

import { hostTensor, sizeOf } from '@omma/core';
import { decodePicture, pictureSize } from '../image/decode.ts';
import { decodeJpeg, type JpegSize, jpegSize, renderJpeg } from '../image/jpeg.ts';
import type { Picture } from '../image/picture.ts';
import { isSmall, renderLarge } from '../image/render.ts';
import { carryOut, changePixels, planOf, type Stage, type TransformChain } from '../transforms/chain.ts';
import type { RandomNumbers } from '../transforms/transform.ts';
import type { ImageContext, ImageSample } from './dataset.ts';
import type { PictureCache } from './pictureCache.ts';

/** Memory for decoded pictures unless a config says otherwise: small data sets fit whole. */
export const defaultCacheBytes = 512 * 2 ** 20;

/** A file this short is probably a small picture and is decoded without a look at its header first. */
const smallBytes = 48 * 2 ** 10;

/** The file of a picture, wherever it lies. */
export interface PictureFile {
  /** What errors call it. */
  readonly name: string;
  readonly read: () => Promise<Uint8Array>;
}

/** Where the pixels of a sample go. */
type Target = Pick<ImageContext, 'allocate'>;

export class ImageLoader {
  readonly #transforms: TransformChain;
  readonly #cache: PictureCache | null;

  /** Without a cache every picture is decoded each time. */
  constructor(transforms: TransformChain, cache: PictureCache | null = null) {
    this.#transforms = transforms;
    this.#cache = cache;
  }

  /** The pixels of a file, transformed: uint8 [height, width, 3]. `index` is its key in the cache. */
  async load(index: number, { name, read }: PictureFile, random: RandomNumbers, target: Target = {}) {
    const cached = this.#cache?.get(index);
    if (cached !== undefined) return transformed(cached, this.#transforms, random, target);
    const bytes = await read();
    const jpeg = jpegSize(bytes);
    const picture = await this.#small(bytes, name, jpeg);
    if (picture !== null) {
      this.#cache?.add(index, picture);
      return transformed(picture, this.#transforms, random, target);
    }
    const size = jpeg ?? (await pictureSize(bytes, name));
    const [first, ...rest] = this.#transforms;
    const plan = planOf(first, size, random);
    const { width, height } = plan;
    // Only the last stage has a place in the batch.
    const place =
      rest.length === 0 ? bytesFor(target, [height, width, 3]) : new Uint8Array(height * width * 3);
    const data =
      jpeg !== null && renderJpeg(bytes, jpeg, plan, place)
        ? place
        : await renderLarge(bytes, size, plan, name);
    const part = { width, height, channels: 3, data };
    changePixels(first, part, random);
    return tensorOf(rest.length === 0 ? part : finished(rest, part, random, target));
  }

  /** The whole picture if it is small; null for a large one, of which only what is asked for is decoded. */
  async #small(bytes: Uint8Array, name: string, jpeg: JpegSize | null): Promise<Picture | null> {
    if (jpeg !== null) {
      return isSmall(jpeg) ? (decodeJpeg(bytes, jpeg) ?? (await decodePicture(bytes, name))) : null;
    }
    const picture = bytes.length <= smallBytes ? await decodePicture(bytes, name) : null;
    if (!isSmall(picture ?? (await pictureSize(bytes, name)))) return null;
    return picture ?? decodePicture(bytes, name);
  }
}

/** A decoded picture, transformed. */
export function transformed(
  picture: Picture,
  transforms: TransformChain,
  random: RandomNumbers,
  target: Target = {},
) {
  return tensorOf(finished(transforms, picture, random, target));
}

function finished(
  stages: readonly Stage[],
  picture: Picture,
  random: RandomNumbers,
  target: Target,
): Picture {
  return carryOut(stages, picture, random, (plan) => ({
    plan,
    bytes: bytesFor(target, [plan.height, plan.width, picture.channels]),
  }));
}

function tensorOf({ height, width, channels, data }: Picture) {
  return hostTensor([height, width, channels], 'uint8', data);
}

/** Where the pixels of a sample go: to their place in the batch, when there is one. */
function bytesFor({ allocate }: Target, shape: readonly number[]): Uint8Array {
  const given = allocate?.('image', 'uint8', shape);
  return given instanceof Uint8Array ? given : new Uint8Array(sizeOf(shape));
}

/** An image and its label as a sample. */
export function labelled(image: ImageSample['tensors']['image'], label: number): ImageSample {
  return { tensors: { image, label: hostTensor([], 'int32', Int32Array.of(label)) } };
}
