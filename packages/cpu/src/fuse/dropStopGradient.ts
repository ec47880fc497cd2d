/** Takes `stopGradient` away: it says something to autodiff and nothing to a device, and it would cut elementwise chains apart. */

import { at, type Graph } from '@omma/core';
import { withNodes } from '../uses.ts';

export function dropStopGradient(graph: Graph): Graph {
  const source = new Map<number, number>();
  const sourceOf = (id: number) => source.get(id) ?? id;
  for (const node of graph.nodes) {
    if (node.op === 'stopGradient') source.set(at(node.outputs, 0), sourceOf(at(node.inputs, 0)));
  }
  if (source.size === 0) return graph;
  const nodes = graph.nodes
    .filter((node) => node.op !== 'stopGradient')
    .map((node) =>
      node.inputs.some((id) => source.has(id)) ? { ...node, inputs: node.inputs.map(sourceOf) } : node,
    );
  return {
    ...withNodes(graph, nodes),
    outputs: graph.outputs.map((port) => ({ ...port, value: sourceOf(port.value) })),
    state: graph.state.map((slot) => (slot.write === null ? slot : { ...slot, write: sourceOf(slot.write) })),
  };
}
