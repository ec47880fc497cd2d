/** The passes that every compile runs, in their order. */

import type { Device } from '../device/device.ts';
import type { Graph } from '../graph/graph.ts';
import { eliminateDeadCode } from './eliminateDeadCode.ts';
import { foldConstants } from './foldConstants.ts';
import { foldEmpty } from './foldEmpty.ts';
import { lowerUnsupported } from './lower.ts';
import { applyMixedPrecision, type MixedPrecision } from './mixedPrecision.ts';

export interface PrepareOptions {
  readonly amp: MixedPrecision | null;
  readonly onUnsupported: 'error' | 'reference';
}

/** Dead code goes first, so that no later pass works on it, and last, because lowering and folding leave some. */
export function prepare(
  graph: Graph,
  device: Pick<Device, 'name' | 'supports'>,
  options: PrepareOptions,
): Graph {
  const live = foldEmpty(eliminateDeadCode(graph));
  const precise = options.amp === null ? live : applyMixedPrecision(live, options.amp);
  const lowered = lowerUnsupported(precise, device, options.onUnsupported);
  return eliminateDeadCode(foldConstants(lowered));
}
