/**
 * Which elementwise nodes may run together: a level for every node.
 *
 * Along an edge between two elementwise nodes of one shape (a fusable edge) the level may stay; along every other edge it
 * rises. So a path that leaves a set of connected nodes of one level and shape never comes back to it, and merging each such
 * set into one node cannot make a cycle. Two sweeps, linear time: as early as possible, then every elementwise node as late as its
 * readers allow, which brings `weightDecay * w` to the update of w although w is known from the start, and moves masks that
 * only the backward pass reads into it, where they need no memory.
 */

import { at, type Graph, type Node } from '@omma/core';
import { programOps } from './program.ts';

export interface Levels {
  /** Of a node by index. */
  readonly of: readonly number[];
  /** Whether the edge from node to node may lie inside one fused node. */
  fusable(from: number, to: number): boolean;
}

export function levelsOf(graph: Graph, producers: ReadonlyMap<number, number>): Levels {
  const shapes = graph.nodes.map((node) => shapeKey(graph, node));
  const fusable = (from: number, to: number) => shapes[from] !== null && shapes[from] === shapes[to];
  const levels = new Array<number>(graph.nodes.length).fill(0);
  graph.nodes.forEach((node, index) => {
    let level = 0;
    for (const id of node.inputs) {
      const from = producers.get(id);
      if (from !== undefined) level = Math.max(level, at(levels, from) + (fusable(from, index) ? 0 : 1));
    }
    levels[index] = level;
  });
  const latest = new Array<number>(graph.nodes.length).fill(Number.POSITIVE_INFINITY);
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const limit = at(latest, index);
    if (shapes[index] !== null && Number.isFinite(limit)) levels[index] = limit;
    for (const id of at(graph.nodes, index).inputs) {
      const from = producers.get(id);
      if (from === undefined) continue;
      latest[from] = Math.min(at(latest, from), at(levels, index) - (fusable(from, index) ? 0 : 1));
    }
  }
  return { of: levels, fusable };
}

/** The shape of an elementwise node as text; null for other nodes. */
function shapeKey(graph: Graph, node: Node): string | null {
  return programOps.has(node.op) ? at(graph.values, at(node.outputs, 0)).shape.join() : null;
}
