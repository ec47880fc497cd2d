/**
 * The passes between the graph as prepared by core and the graph that the addon gets, in their order.
 *
 * Batch norms first, while all nodes are still ops of the table; fused nodes, which only this device knows, come after them, and at the end the order of collectives, which is the order of steps.
 */

import { eliminateDeadCode, type Graph, type Node } from '@omma/core';
import { overlapCollectives, type Sums } from './collectives/overlap.ts';
import { takeSums } from './collectives/takeSums.ts';
import { foldBatchNorm } from './convolution/foldBatchNorm.ts';
import { fuseConvolution } from './convolution/fuseConvolution.ts';
import { useWinograd } from './convolution/winograd.ts';
import { fuse } from './fuse/index.ts';

/** Ops that have no kernel because a pass takes every one of them away. */
export function takesInPasses(node: Node): boolean {
  return node.op === 'batchNorm';
}

export function optimise(graph: Graph, sums: Sums): Graph {
  const fused = fuse(useWinograd(fuseConvolution(eliminateDeadCode(foldBatchNorm(graph)))));
  if (sums === 'beside') return overlapCollectives(fused);
  return sums === 'taken' ? takeSums(fused) : fused;
}
