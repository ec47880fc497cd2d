/** The config's `optimWrapper`, typed and checked. */

import { z } from 'zod';
import type { ClipGradConfig, LossScaleConfig } from './gradients.ts';
import type { OptimizerConfig } from './optimizer.ts';
import type { ParamwiseConfig } from './paramwise.ts';
import { clipGradSchema, lossScaleSchema, optimizerSchema, paramwiseSchema } from './schema.ts';

export const ampSchema = z.enum(['auto', 'bfloat16', 'float16', 'off']);
export type AmpSetting = z.infer<typeof ampSchema>;

export interface OptimWrapperConfig {
  readonly optimizer: OptimizerConfig;
  /** Learning rate and weight decay of some parameters. */
  readonly paramwiseConfig?: ParamwiseConfig;
  readonly clipGrad?: ClipGradConfig;
  /** Batches whose gradients make one update; 1 unless given. Iterations count batches. */
  readonly accumulativeCounts?: number;
  /** Mixed precision: 'auto' is what the device does fast; 'off' unless given. */
  readonly amp?: AmpSetting;
  /** For float16: 'dynamic' unless given; a number stays as it is. */
  readonly lossScale?: LossScaleConfig;
}

export const optimWrapperSchema = z.strictObject({
  optimizer: optimizerSchema,
  paramwiseConfig: paramwiseSchema.exactOptional(),
  clipGrad: clipGradSchema.exactOptional(),
  accumulativeCounts: z.int().positive().exactOptional(),
  amp: ampSchema.exactOptional(),
  lossScale: lossScaleSchema.exactOptional(),
});
