/** Makes the wrappers known to configs, where they stand for a data set. */

import { z } from 'zod';
import { datasets } from '../../config/registries.ts';
import { classBalanced, subset } from './choose.ts';
import { ConcatDataset } from './concat.ts';
import { MultiImageMixDataset, sampleMixes } from './multiImageMix.ts';
import { RepeatDataset } from './repeat.ts';

const dataset = datasets.schema();

datasets.register('ConcatDataset', z.strictObject({ datasets: z.array(dataset).min(1) }), (options) => {
  return new ConcatDataset(options.datasets.map((part) => datasets.build(part)));
});
datasets.register(
  'RepeatDataset',
  z.strictObject({ dataset, times: z.int().min(1).max(64) }),
  (options) => new RepeatDataset(datasets.build(options.dataset), options.times),
);
datasets.register(
  'ClassBalancedDataset',
  z.strictObject({ dataset, oversampleThr: z.number().gt(0).max(1) }),
  (options) => classBalanced(datasets.build(options.dataset), options.oversampleThr),
);
datasets.register(
  'SubsetDataset',
  z.strictObject({
    dataset,
    indices: z.array(z.int().min(0)).min(1).exactOptional(),
    count: z
      .number()
      .positive()
      .refine((count) => count < 1 || Number.isInteger(count), {
        message: 'expected a whole number of samples, or a share of them below 1',
      })
      .exactOptional(),
  }),
  (options) => subset(datasets.build(options.dataset), options),
);
datasets.register(
  'MultiImageMixDataset',
  z.strictObject({ dataset, mixes: z.array(sampleMixes.schema()).min(1) }),
  (options) =>
    new MultiImageMixDataset(
      datasets.build(options.dataset),
      options.mixes.map((mix) => sampleMixes.build(mix)),
    ),
);
