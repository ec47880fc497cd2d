/** Removes nodes that neither an output nor a state write depends on. */

import { GraphBuilder } from '../graph/builder.ts';
import { type Graph, resultIds } from '../graph/graph.ts';
import { at } from '../op.ts';

export function eliminateDeadCode(graph: Graph): Graph {
  const live = new Set(resultIds(graph));
  const keep = new Set<number>();
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const node = at(graph.nodes, index);
    if (!node.outputs.some((id) => live.has(id))) continue;
    keep.add(index);
    for (const id of node.inputs) live.add(id);
  }
  if (keep.size === graph.nodes.length) return graph;
  return copyNodes(graph, keep);
}

/** Copies the nodes in `keep`. Needs no op table, so it also works on device-specific nodes. */
function copyNodes(graph: Graph, keep: ReadonlySet<number>): Graph {
  const builder = new GraphBuilder();
  const mapped = new Map<number, number>();
  const idOf = (id: number) => {
    const known = mapped.get(id);
    if (known === undefined) throw new Error(`eliminateDeadCode: value %${id} was removed but is used`);
    return known;
  };
  for (const port of graph.inputs)
    mapped.set(port.value, builder.input(port.name, at(graph.values, port.value)));
  for (const slot of graph.state)
    mapped.set(slot.read, builder.readState(slot.name, at(graph.values, slot.read)));
  graph.nodes.forEach((node, index) => {
    if (!keep.has(index)) return;
    builder.scope = node.scope;
    const types = node.outputs.map((id) => at(graph.values, id));
    const ids = builder.node(node.op, node.inputs.map(idOf), node.attrs, types);
    node.outputs.forEach((id, i) => {
      mapped.set(id, at(ids, i));
    });
  });
  for (const slot of graph.state) {
    if (slot.write !== null) builder.writeState(slot.name, at(graph.values, slot.read), idOf(slot.write));
  }
  for (const port of graph.outputs) builder.output(port.name, idOf(port.value));
  return builder.finish();
}
