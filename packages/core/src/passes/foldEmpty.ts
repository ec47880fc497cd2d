/**
 * Takes away what is computed about nothing: a node without a single output element becomes `full` of that shape, and a sum of products over no
 * elements (a weight's gradient from an empty batch) becomes zeros. So no kernel is asked for an extent of 0, which libraries refuse.
 */

import { type Graph, graphValue, type Node } from '../graph/graph.ts';
import { opNamed } from '../op.ts';
import { full } from '../ops/index.ts';
import { sizeOf } from '../shape.ts';
import { rewrite } from './rewrite.ts';

export function foldEmpty(graph: Graph): Graph {
  const isEmpty = (id: number) => sizeOf(graphValue(graph, id).shape) === 0;
  if (!graph.values.some(({ id }) => isEmpty(id))) return graph;
  return rewrite(graph, (node) => {
    const nothing = node.outputs.every(isEmpty) || sumsNothing(node, isEmpty);
    if (!nothing || isKept(node)) return null;
    return node.outputs.map((id) => {
      const { shape, dtype } = graphValue(graph, id);
      return full(shape, 0, dtype);
    });
  });
}

/** With a third input, a bias, the sum is that bias. */
function sumsNothing({ op, inputs }: Node, isEmpty: (id: number) => boolean): boolean {
  return opNamed(op).kind === 'contract' && inputs.length === 2 && inputs.some(isEmpty);
}

/** Ranks must take part in a collective whatever it carries; sources are as simple as it gets. */
function isKept({ op }: Node): boolean {
  return ['collective', 'source'].includes(opNamed(op).kind);
}
