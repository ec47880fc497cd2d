/** `distributed` of a config: what only runs of several processes have. */

import { z } from 'zod';

export interface DistributedConfig {
  /** Compare the state of all ranks every so many iterations; after every epoch unless given. */
  readonly agreementInterval?: number;
}

export const distributedConfigSchema = z.strictObject({
  agreementInterval: z.int().positive().exactOptional(),
});
