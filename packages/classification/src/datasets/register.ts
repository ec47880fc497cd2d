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
  type Transform,
  type TransformTypes,
  transformEntries,
} from '@omma/cv';
import { datasets, Registry } from '@omma/engine';
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

/** The transforms that a config can name: `transforms.schema()` checks one, for a data set of your own. */
export const transforms = new Registry<TransformTypes, Transform>('transform', transformEntries);

const transform = transforms.schema();

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
