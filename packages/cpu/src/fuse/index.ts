/**
 * The passes that make device-only fused nodes, in their order. They run after the convolution passes: what those leave.
 *
 * Batch norm goes first, because its residual addition and ReLU would otherwise vanish in elementwise programs.
 */

import { eliminateDeadCode, type Graph } from '@omma/core';
import { dropStopGradient } from './dropStopGradient.ts';
import { fuseBatchNorm } from './fuseBatchNorm.ts';
import { fuseBatchNormGrad } from './fuseBatchNormGrad.ts';
import { fuseElementwise } from './fuseElementwise.ts';

export function fuse(graph: Graph): Graph {
  const norms = fuseBatchNormGrad(fuseBatchNorm(dropStopGradient(graph)));
  return eliminateDeadCode(fuseElementwise(eliminateDeadCode(norms)));
}
