/** Small helpers for passes that put fused nodes, which the op table does not know, into a graph. */

import { type Graph, type Node, resultIds } from '@omma/core';

/** How often each value of a graph is read, results counted. What is read once can be fused away. */
export function countUses(graph: Graph): Map<number, number> {
  const uses = new Map<number, number>();
  const count = (id: number) => uses.set(id, (uses.get(id) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(count);
  resultIds(graph).forEach(count);
  return uses;
}

/** The graph with other nodes over the same values. */
export function withNodes(graph: Graph, nodes: readonly Node[]): Graph {
  const producers = new Map<number, number>();
  nodes.forEach((node, index) => {
    for (const id of node.outputs) producers.set(id, index);
  });
  const values = graph.values.map((value) => ({ ...value, producer: producers.get(value.id) ?? null }));
  return { ...graph, nodes, values };
}
