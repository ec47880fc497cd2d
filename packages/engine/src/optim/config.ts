/** The config's `optimWrapper`, typed and checked. */

import { z } from 'zod';
import type { ClipGradConfig, LossScaleConfig } from './gradients.ts';
import { type OptimizerConfig, optimizerSchema } from './optimizer.ts';
import './register.ts';
import type { ParamwiseConfig } from './paramwise.ts';
import { clipGradSchema, lossScaleSchema, paramwiseSchema } from './schema.ts';

export const ampSchema = z.enum(['auto', 'bfloat16', 'float16', 'off']);
export type AmpSetting = z.infer<typeof ampSchema>;

export interface OptimWrapperConfig {
  readonly optimizer: OptimizerConfig;
  /** Optimisers of parts of the model, by module path (`head`); `optimizer` has the rest. */
  readonly optimizers?: Readonly<Record<string, OptimizerConfig>>;
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
  optimizers: z.record(z.string().min(1), optimizerSchema).exactOptional(),
  paramwiseConfig: paramwiseSchema.exactOptional(),
  clipGrad: clipGradSchema.exactOptional(),
  accumulativeCounts: z.int().positive().exactOptional(),
  amp: ampSchema.exactOptional(),
  lossScale: lossScaleSchema.exactOptional(),
});
