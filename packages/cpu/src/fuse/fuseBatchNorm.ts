/**
 * Batch norm for training, forward: takes in the addition of the residual and the ReLU that follow it.
 *
 * `fusedBatchNormTrain(x, w, b, residual?) {eps, relu} -> y, mean, variance` computes y = relu(norm(x) + residual). What is between
 * is never written to memory, where a residual block spends most of its time. The backward pass needs neither the normalised
 * values nor the sum (it starts from x and y), so this is as legal in training as in evaluation.
 */

import { at, type Graph, type Node } from '@omma/core';
import { countUses, withNodes } from '../uses.ts';
import { sortNodes } from './sortNodes.ts';

export function fuseBatchNorm(graph: Graph): Graph {
  const uses = countUses(graph);
  const readers = new Map<number, number>();
  const producers = new Map<number, number>();
  graph.nodes.forEach((node, index) => {
    for (const id of node.inputs) if (uses.get(id) === 1) readers.set(id, index);
    for (const id of node.outputs) producers.set(id, index);
  });
  const replaced = new Map<number, Node>();
  const gone = new Set<number>();
  // From the back: of two norms that are added, the later takes the earlier as its residual, so no cycle can arise.
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const norm = at(graph.nodes, index);
    if (norm.op !== 'batchNormTrain') continue;
    let y = at(norm.outputs, 0);
    let residual: number | null = null;
    const taken: number[] = [];
    const sum = readers.get(y);
    if (sum !== undefined && !gone.has(sum)) {
      residual = residualOf(graph, at(graph.nodes, sum), y);
      if (residual !== null && (producers.get(residual) ?? -1) < index) {
        taken.push(sum);
        y = at(at(graph.nodes, sum).outputs, 0);
      } else {
        residual = null;
      }
    }
    const next = readers.get(y);
    const relu = next !== undefined && at(graph.nodes, next).op === 'relu';
    if (relu) {
      taken.push(next);
      y = at(at(graph.nodes, next).outputs, 0);
    }
    if (taken.length === 0) continue;
    for (const each of taken) gone.add(each);
    replaced.set(index, {
      op: 'fusedBatchNormTrain',
      inputs: residual === null ? norm.inputs : [...norm.inputs, residual],
      attrs: { ...norm.attrs, relu },
      outputs: [y, ...norm.outputs.slice(1)],
      scope: norm.scope,
    });
  }
  if (replaced.size === 0) return graph;
  const nodes = graph.nodes.flatMap((node, index) => (gone.has(index) ? [] : [replaced.get(index) ?? node]));
  return withNodes(graph, sortNodes(nodes));
}

/** The other operand when `node` adds one of equal type to `value`. */
function residualOf(graph: Graph, node: Node, value: number): number | null {
  if (node.op !== 'add') return null;
  const [a, b] = [at(node.inputs, 0), at(node.inputs, 1)];
  const other = a === value ? b : a;
  const [mine, its] = [at(graph.values, value), at(graph.values, other)];
  return other !== value && mine.dtype === its.dtype && mine.shape.join() === its.shape.join() ? other : null;
}
