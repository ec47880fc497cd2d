/**
 * A sum and the elementwise program that alone reads it, such as the optimiser's step on a weight, become one node: the program runs over each piece of the sum
 * while that lies in the caches, and the sum itself is written nowhere. Saves three passes over every gradient.
 *
 * For engines whose work is done by the thread that waits. The sum is made where the program stands, and all ranks have the same graph, so the same order.
 */

import { at, type Graph, graphValue, type Node } from '@omma/core';
import { countUses, withNodes } from '../uses.ts';

export function takeSums(graph: Graph): Graph {
  const uses = countUses(graph);
  /** By value. */
  const sums = new Map<number, Node>();
  for (const node of graph.nodes) if (node.op === 'allReduce') sums.set(at(node.outputs, 0), node);
  if (sums.size === 0) return graph;
  const taken = new Set<Node>();
  const nodes = graph.nodes.map((node) => {
    const sum = node.op === 'fusedElementwise' ? sumTakenBy(graph, node, sums, uses) : undefined;
    if (sum === undefined) return node;
    taken.add(sum);
    const place = node.inputs.indexOf(at(sum.outputs, 0));
    const inputs = node.inputs.map((id, i) => (i === place ? at(sum.inputs, 0) : id));
    return {
      ...node,
      op: 'allReduceElementwise',
      inputs,
      attrs: { ...node.attrs, ...sum.attrs, sum: place },
    };
  });
  return withNodes(
    graph,
    nodes.filter((node) => !taken.has(node)),
  );
}

/** A sum that only `program` reads, element by element. */
function sumTakenBy(
  graph: Graph,
  program: Node,
  sums: ReadonlyMap<number, Node>,
  uses: ReadonlyMap<number, number>,
): Node | undefined {
  const shape = graphValue(graph, at(program.outputs, 0)).shape.join();
  const taken = program.inputs.find((id) => {
    const type = graphValue(graph, id);
    return sums.has(id) && uses.get(id) === 1 && type.dtype === 'float32' && type.shape.join() === shape;
  });
  return taken === undefined ? undefined : sums.get(taken);
}
