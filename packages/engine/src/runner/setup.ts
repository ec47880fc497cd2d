/** What a hook may do before the training step is compiled. */

import type { NodeProfile } from '@omma/core';
import type { TrainPlan } from '../loops/trainPlan.ts';
import type { RunContext } from './context.ts';
import type { StatePart, TrainState } from './trainState.ts';

export interface TrainSetup extends RunContext {
  readonly state: TrainState;
  readonly plan: TrainPlan;
  /** Adds state of the hook's own, and arithmetic on it, to the graph of the update. */
  add(part: StatePart): void;
  /** Compiles the step with time and bytes per node; the function gives what has been measured so far. */
  profile(): () => readonly NodeProfile[];
}
