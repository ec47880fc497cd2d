/** A data set from IDX files in MNIST's naming: `train-images-idx3-ubyte`, `t10k-labels-idx1-ubyte` and so on, gzipped or not. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OmmaError } from '@omma/core';
import type { Transform } from '../transforms/transform.ts';
import { buildTransforms, type TransformOptions } from '../transforms/transforms.ts';
import type { ImageContext, ImageDataset, ImageSample } from './dataset.ts';
import { type IdxArray, readIdx } from './idxFile.ts';
import { labelled, transformed } from './imageLoader.ts';
import { sampleRandom } from './random.ts';

export interface IdxDatasetOptions {
  readonly root: string;
  readonly split: 'train' | 'val';
  readonly transforms?: readonly TransformOptions[];
  /** Class names in label order; the digits unless given. */
  readonly classes?: readonly string[];
}

const digits = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

export class IdxDataset implements ImageDataset {
  readonly classes: readonly string[];
  readonly #images: IdxArray;
  readonly #labels: IdxArray;
  readonly #transform: Transform;
  readonly #path: string;

  constructor(options: IdxDatasetOptions) {
    const prefix = options.split === 'train' ? 'train' : 't10k';
    const [imagesPath, labelsPath] = [
      find(options.root, `${prefix}-images-idx3-ubyte`),
      find(options.root, `${prefix}-labels-idx1-ubyte`),
    ];
    this.#path = imagesPath;
    this.#images = readIdx(imagesPath, 3);
    this.#labels = readIdx(labelsPath, 1);
    this.classes = options.classes ?? digits;
    this.#transform = buildTransforms(options.transforms ?? []);
    requireFit(imagesPath, this.#images, labelsPath, this.#labels, this.classes.length);
  }

  get length(): number {
    return this.#labels.data.length;
  }

  nameOf(index: number): string {
    return `${this.#path}#${index}`;
  }

  labelOf(index: number): number {
    const label = this.#labels.data[index];
    if (label === undefined) throw new Error(`IdxDataset: no sample ${index} among ${this.length}`);
    return label;
  }

  load(index: number, { seed, epoch }: ImageContext): Promise<ImageSample> {
    const label = this.labelOf(index);
    const [, height = 0, width = 0] = this.#images.shape;
    const data = this.#images.data.subarray(index * height * width, (index + 1) * height * width);
    const picture = { width, height, channels: 1, data };
    return Promise.resolve(
      labelled(transformed(picture, this.#transform, sampleRandom(seed, epoch, index)), label),
    );
  }
}

function find(root: string, name: string): string {
  const candidates = [join(root, `${name}.gz`), join(root, name)];
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new OmmaError(
      `IdxDataset: ${root} has neither ${name}.gz nor ${name}; expected the four files of MNIST there`,
    );
  }
  return path;
}

function requireFit(
  imagesPath: string,
  images: IdxArray,
  labelsPath: string,
  labels: IdxArray,
  classes: number,
): void {
  const [count] = images.shape;
  if (count === 0) throw new OmmaError(`IdxDataset: ${imagesPath} has no images`);
  if (count !== labels.data.length) {
    throw new OmmaError(
      `IdxDataset: ${imagesPath} has ${count} images but ${labelsPath} has ${labels.data.length} labels`,
    );
  }
  const wrong = labels.data.findIndex((label) => label >= classes);
  if (wrong >= 0) {
    throw new OmmaError(
      `IdxDataset: label ${labels.data[wrong]} at ${wrong} of ${labelsPath} is not below the ${classes} classes`,
    );
  }
}
