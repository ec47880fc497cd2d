/** Makes cv's picture data sets and their transforms known to configs. */

import {
  CIFAR10,
  CIFAR100,
  type CifarOptions,
  IdxDataset,
  type IdxDatasetOptions,
  ImageArchive,
  type ImageArchiveOptions,
  ImageFolder,
  type ImageFolderOptions,
} from '@omma/cv';
import { datasets } from '@omma/engine';
import { z } from 'zod';

declare module '@omma/engine' {
  interface DatasetTypes {
    ImageFolder: ImageFolderOptions;
    ImageArchive: ImageArchiveOptions;
    IdxDataset: IdxDatasetOptions;
    CIFAR10: CifarOptions;
    CIFAR100: CifarOptions;
  }
}

const pixels = z.int().positive();
const positive = z.number().positive();

const transform = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('RandomResizedCrop'),
    size: pixels,
    scale: z.tuple([positive.max(1), positive.max(1)]).exactOptional(),
    ratio: z.tuple([positive, positive]).exactOptional(),
  }),
  z.strictObject({ type: z.literal('RandomCrop'), size: pixels, padding: z.int().min(0).exactOptional() }),
  z.strictObject({ type: z.literal('RandomFlip'), probability: z.number().min(0).max(1).exactOptional() }),
  z.strictObject({ type: z.literal('Resize'), size: z.union([pixels, z.tuple([pixels, pixels])]) }),
  z.strictObject({ type: z.literal('CenterCrop'), size: pixels }),
]);

const classes = z.array(z.string().min(1)).min(1).exactOptional();
const path = z.string().min(1);
const common = { root: path, split: z.enum(['train', 'val']), classes };
const files = { transforms: z.array(transform), cacheBytes: z.int().min(0).exactOptional() };

datasets.register(
  'ImageFolder',
  z.strictObject({
    ...common,
    ...files,
    annFile: path.exactOptional(),
    dataPrefix: z.string().exactOptional(),
  }),
  (options) => new ImageFolder(options),
);

datasets.register(
  'ImageArchive',
  z.strictObject({ root: path, index: path, classes, ...files }),
  (options) => new ImageArchive(options),
);

const inMemory = z.strictObject({ ...common, transforms: z.array(transform).exactOptional() });

datasets.register('IdxDataset', inMemory, (options) => new IdxDataset(options));
datasets.register('CIFAR10', inMemory, (options) => new CIFAR10(options));
datasets.register('CIFAR100', inMemory, (options) => new CIFAR100(options));
