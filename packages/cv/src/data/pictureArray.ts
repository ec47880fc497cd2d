/**
 * A data set of equally large pictures in memory with their labels: MNIST, CIFAR and others that come as one file. Worker threads share the memory.
 */

import { buildTransforms, type TransformChain } from '../transforms/chain.ts';
import { modulesOf, type TransformOptions } from '../transforms/registry.ts';
import type { ImageContext, ImageDataset, ImageSample, ImageSource } from './dataset.ts';
import { labelled, transformed } from './imageLoader.ts';
import { sampleRandom } from './random.ts';

/** All of it can be handed to a thread. */
export interface PictureArrayParts {
  /** What the pictures are called in messages: `<name>#<index>`. */
  readonly name: string;
  readonly classes: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** One picture after the other, channels last; in shared memory, see `shared`. */
  readonly pixels: Uint8Array;
  /** One a picture. */
  readonly labels: Uint8Array;
  readonly transforms: readonly TransformOptions[];
}

export class PictureArray implements ImageDataset {
  readonly #parts: PictureArrayParts;
  readonly #transforms: TransformChain;

  constructor(parts: PictureArrayParts) {
    this.#parts = parts;
    this.#transforms = buildTransforms(parts.transforms);
  }

  get classes(): readonly string[] {
    return this.#parts.classes;
  }

  get length(): number {
    return this.#parts.labels.length;
  }

  nameOf(index: number): string {
    return `${this.#parts.name}#${index}`;
  }

  labelOf(index: number): number {
    const label = this.#parts.labels[index];
    if (label === undefined) throw new Error(`${this.#parts.name}: no sample ${index} among ${this.length}`);
    return label;
  }

  load(index: number, context: ImageContext): Promise<ImageSample> {
    const { width, height, channels, pixels } = this.#parts;
    const size = width * height * channels;
    const picture = { width, height, channels, data: pixels.subarray(index * size, (index + 1) * size) };
    const random = sampleRandom(context.seed, context.epoch, index, context.repeat);
    const image = transformed(picture, this.#transforms, random, context);
    return Promise.resolve(labelled(image, this.labelOf(index)));
  }

  source(): ImageSource {
    const imports = modulesOf(this.#parts.transforms);
    return { module: threadModule, name: 'openPictureArray', options: this.#parts, imports };
  }
}

/** Threads run JavaScript, so it is the built file even when this one is read as source. */
const threadModule = new URL('../../dist/data/pictureArray.js', import.meta.url).href;

/** How a worker thread opens one: see `PictureArray.source`. */
export function openPictureArray(parts: PictureArrayParts): PictureArray {
  return new PictureArray(parts);
}

/** A copy in memory that threads share. */
export function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}
