/**
 * The one way passes make graphs: copy node by node into a new builder, replacing some on the way. Sharing of equal nodes and
 * renumbering come from the builder; state slots, ports and scopes are carried over here.
 */

import { GraphBuilder } from '../graph/builder.ts';
import { type Graph, graphValue, type Node } from '../graph/graph.ts';
import { applyOp, at, opNamed } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { lift, traced, within } from '../trace.ts';

/**
 * Called for each node with its inputs already rewritten. Returns the tensors that take the place of its outputs, or null to keep
 * the node as it is.
 */
export type NodeRewrite = (node: Node, inputs: readonly Tensor[], index: number) => readonly Tensor[] | null;

/** Copies `graph`, applying `rewriteNode`; types are inferred anew, so a rewrite may change dtypes downstream. */
export function rewrite(graph: Graph, rewriteNode: NodeRewrite): Graph {
  const builder = new GraphBuilder();
  return within(builder, () => {
    const mapped = new Map<number, Tensor>();
    const tensorOf = (id: number): Tensor => {
      const tensor = mapped.get(id);
      if (tensor === undefined) throw new Error(`rewrite: value %${id} is used before it is made`);
      return tensor;
    };
    for (const port of graph.inputs) {
      mapped.set(port.value, traced(builder, builder.input(port.name, graphValue(graph, port.value))));
    }
    for (const slot of graph.state) {
      mapped.set(slot.read, traced(builder, builder.readState(slot.name, graphValue(graph, slot.read))));
    }
    graph.nodes.forEach((node, index) => {
      builder.scope = node.scope;
      const inputs = node.inputs.map(tensorOf);
      const outputs = rewriteNode(node, inputs, index) ?? applyOp(opNamed(node.op), inputs, node.attrs);
      node.outputs.forEach((id, i) => {
        mapped.set(id, at(outputs, i));
      });
    });
    builder.scope = '';
    for (const slot of graph.state) {
      if (slot.write === null) continue;
      builder.writeState(slot.name, graphValue(graph, slot.read), lift(builder, tensorOf(slot.write)));
    }
    for (const port of graph.outputs) builder.output(port.name, lift(builder, tensorOf(port.value)));
    return builder.finish();
  });
}
