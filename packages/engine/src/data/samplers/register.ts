/** Makes the samplers known to configs. */

import { z } from 'zod';
import { DefaultSampler, InfiniteSampler } from './basic.ts';
import { ClassAwareSampler } from './classAware.ts';
import { RepeatAugSampler } from './repeatAug.ts';
import { samplers } from './sampler.ts';

const shuffle = z.strictObject({ shuffle: z.boolean().default(true) });

samplers.register('DefaultSampler', shuffle, (options) => new DefaultSampler(options));
samplers.register('InfiniteSampler', shuffle, (options) => new InfiniteSampler(options));
samplers.register('ClassAwareSampler', z.strictObject({}), () => new ClassAwareSampler());
samplers.register(
  'RepeatAugSampler',
  z.strictObject({ numRepeats: z.int().min(1).max(1000).default(3) }),
  (options) => new RepeatAugSampler(options),
);
