/** Graphs run in float64 from the first number to the last, which differences need: the reference device takes float32 at its border. */

import { at, type Graph, type HostTensor, type NumericArray, runNode, toNumeric } from '@omma/core';

/** The graph's inputs, in port order, widened. */
export function widened(values: readonly HostTensor[]): NumericArray[] {
  return values.map(({ dtype, data }) => toNumeric(dtype, data));
}

/** Outputs in port order. */
export function runFloat64(graph: Graph, inputs: readonly NumericArray[]): NumericArray[] {
  const values = new Map<number, NumericArray>(graph.inputs.map((port, i) => [port.value, at(inputs, i)]));
  const known = (id: number): NumericArray => {
    const data = values.get(id);
    if (data === undefined) throw new Error(`value %${id} is used before it is made`);
    return data;
  };
  for (const node of graph.nodes) {
    const results = runNode(graph, node, node.inputs.map(known));
    node.outputs.forEach((id, i) => {
      values.set(id, at(results, i));
    });
  }
  return graph.outputs.map((port) => known(port.value));
}
