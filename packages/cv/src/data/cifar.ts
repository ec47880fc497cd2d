/**
 * CIFAR-10 and CIFAR-100 in their binary version: records of one label (CIFAR-100: the coarse one, then the fine one) and 32 x 32 pixels, all
 * red ones first, then the green, then the blue. Source: https://www.cs.toronto.edu/~kriz/cifar.html
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OmmaError } from '@omma/core';
import type { TransformOptions } from '../transforms/registry.ts';
import { PictureArray, shared } from './pictureArray.ts';

export interface CifarOptions {
  /** The folder of the files, or the one that was unpacked: with `cifar-10-batches-bin` or `cifar-100-binary` inside. */
  readonly root: string;
  /** `val` are the test pictures. */
  readonly split: 'train' | 'val';
  readonly transforms?: readonly TransformOptions[];
  /** Class names in label order; those in the files unless given. */
  readonly classes?: readonly string[];
}

interface Layout {
  readonly type: string;
  readonly folder: string;
  readonly train: readonly string[];
  readonly val: readonly string[];
  /** File of the class names. */
  readonly names: string;
  /** Labels a record, of which the last one counts. */
  readonly labels: number;
}

const side = 32;
const plane = side * side;

export class CIFAR10 extends PictureArray {
  constructor(options: CifarOptions) {
    super(
      parts(options, {
        type: 'CIFAR10',
        folder: 'cifar-10-batches-bin',
        train: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`),
        val: ['test_batch.bin'],
        names: 'batches.meta.txt',
        labels: 1,
      }),
    );
  }
}

/** With the 100 fine labels. */
export class CIFAR100 extends PictureArray {
  constructor(options: CifarOptions) {
    super(
      parts(options, {
        type: 'CIFAR100',
        folder: 'cifar-100-binary',
        train: ['train.bin'],
        val: ['test.bin'],
        names: 'fine_label_names.txt',
        labels: 2,
      }),
    );
  }
}

function parts({ root, split, transforms = [], classes }: CifarOptions, layout: Layout) {
  const inner = join(root, layout.folder);
  const folder = existsSync(inner) ? inner : root;
  const known =
    classes ??
    read(layout, folder, layout.names)
      .toString('utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  const files = layout[split].map((name) => records(layout, folder, name, known.length));
  return {
    name: join(folder, layout[split][0] ?? ''),
    classes: known,
    width: side,
    height: side,
    channels: 3,
    pixels: shared(Buffer.concat(files.map(({ pixels }) => pixels))),
    labels: shared(Buffer.concat(files.map(({ labels }) => labels))),
    transforms,
  };
}

/** The labels in a file and its pixels, channels last. */
function records(layout: Layout, folder: string, name: string, classCount: number) {
  const bytes = read(layout, folder, name);
  const size = layout.labels + 3 * plane;
  const count = bytes.length / size;
  const path = join(folder, name);
  if (count === 0 || !Number.isInteger(count)) {
    throw new OmmaError(
      `${layout.type}: ${path} has ${bytes.length} bytes, expected records of ${size}; download it again`,
    );
  }
  const labels = new Uint8Array(count);
  const pixels = new Uint8Array(count * 3 * plane);
  for (let record = 0; record < count; record++) {
    const at = record * size + layout.labels;
    const label = bytes[at - 1] ?? 0;
    if (label >= classCount) {
      throw new OmmaError(
        `${layout.type}: label ${label} at ${record} of ${path} is not below the ${classCount} classes`,
      );
    }
    labels[record] = label;
    for (let pixel = 0; pixel < plane; pixel++) {
      const to = (record * plane + pixel) * 3;
      for (let channel = 0; channel < 3; channel++)
        pixels[to + channel] = bytes[at + channel * plane + pixel] ?? 0;
    }
  }
  return { labels, pixels };
}

function read({ type, folder: expected }: Layout, folder: string, name: string): Buffer {
  try {
    return readFileSync(join(folder, name));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(
      `${type}: ${join(folder, name)} cannot be read (${reason}); expected the binary version, as in ${expected}`,
    );
  }
}
