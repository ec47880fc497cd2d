/** A data set from IDX files in MNIST's naming: `train-images-idx3-ubyte`, `t10k-labels-idx1-ubyte` and so on, gzipped or not. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OmmaError } from '@omma/core';
import type { TransformOptions } from '../transforms/registry.ts';
import { type IdxArray, readIdx } from './idxFile.ts';
import { PictureArray, shared } from './pictureArray.ts';

export interface IdxDatasetOptions {
  readonly root: string;
  readonly split: 'train' | 'val';
  readonly transforms?: readonly TransformOptions[];
  /** Class names in label order; the digits unless given. */
  readonly classes?: readonly string[];
}

const digits = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

export class IdxDataset extends PictureArray {
  constructor({ root, split, transforms = [], classes = digits }: IdxDatasetOptions) {
    const prefix = split === 'train' ? 'train' : 't10k';
    const [imagesPath, labelsPath] = [
      find(root, `${prefix}-images-idx3-ubyte`),
      find(root, `${prefix}-labels-idx1-ubyte`),
    ];
    const images = readIdx(imagesPath, 3);
    const labels = readIdx(labelsPath, 1);
    requireFit(imagesPath, images, labelsPath, labels, classes.length);
    const [, height = 0, width = 0] = images.shape;
    super({
      name: imagesPath,
      classes,
      width,
      height,
      channels: 1,
      pixels: shared(images.data),
      labels: shared(labels.data),
      transforms,
    });
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
