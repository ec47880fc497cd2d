/** How a loss a sample becomes one number. */

import type { Tensor } from '../../tensor.ts';
import { mean, sum } from '../index.ts';

export type Reduction = 'mean' | 'sum' | 'none';

export interface ReductionChoice {
  /** `mean` unless given. */
  readonly reduction?: Reduction;
}

export function reduced(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'mean') return mean(losses);
  return reduction === 'sum' ? sum(losses) : losses;
}
