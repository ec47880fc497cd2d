/**
 * Takes away what is computed about nothing: a node without a single output element becomes `full` of that shape, and a sum of products over no
 * elements (a weight's gradient from an empty batch, a layer without input features) becomes zeros, or its bias. So no kernel is asked for an extent of 0, which libraries refuse.
 */

import { type Graph, graphValue, type Node } from '../graph/graph.ts';
import { opNamed } from '../op.ts';
import { add, cast, full, reshape } from '../ops/index.ts';
import { sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { rewrite } from './rewrite.ts';

export function foldEmpty(graph: Graph): Graph {
  const isEmpty = (id: number) => sizeOf(graphValue(graph, id).shape) === 0;
  if (!graph.values.some(({ id }) => isEmpty(id))) return graph;
  return rewrite(graph, (node, [, , bias]) => {
    const nothing = node.outputs.every(isEmpty) || sumsNothing(node, isEmpty);
    if (!nothing || isKept(node)) return null;
    return node.outputs.map((id) => {
      const { shape, dtype } = graphValue(graph, id);
      const zeros = full(shape, 0, dtype);
      return bias === undefined || isEmpty(id)
        ? zeros
        : add(zeros, biasFor(node, cast(bias, dtype), shape.length));
    });
  });
}

function sumsNothing({ op, inputs }: Node, isEmpty: (id: number) => boolean): boolean {
  return opNamed(op).kind === 'contract' && inputs.slice(0, 2).some(isEmpty);
}

/** A number for each output channel: the last axis of a fully connected layer, the second of a convolution. */
function biasFor({ op }: Node, bias: Tensor, rank: number): Tensor {
  return op === 'linear' ? bias : reshape(bias, [-1, ...Array<number>(rank - 2).fill(1)]);
}

/** Ranks must take part in a collective whatever it carries; sources are as simple as it gets. */
function isKept({ op }: Node): boolean {
  return ['collective', 'source'].includes(opNamed(op).kind);
}
