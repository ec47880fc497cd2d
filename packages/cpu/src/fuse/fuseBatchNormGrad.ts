/**
 * Batch norm for training, backward: takes in the mask of the ReLU that followed it.
 *
 * `fusedBatchNormTrainGrad(x, dy, w, mean, variance, mask, more?) {eps, mask} -> dx, dw, db, dResidual?` masks dy by the ReLU first.
 * Where the forward pass was norm + ReLU without a residual, the mask is found again from x (mask 'input', the operand
 * is the bias), which saves reading y twice; otherwise from y (mask 'output'). When the masked gradient has other readers, the
 * residual branch, it is an output; dy is then mostly the sum of the gradients of the next block's two branches, which the node adds up
 * itself (a seventh input).
 */

import { at, type Graph, type Node } from '@omma/core';
import { countUses, withNodes } from '../uses.ts';
import { sortNodes } from './sortNodes.ts';

export function fuseBatchNormGrad(graph: Graph): Graph {
  const uses = countUses(graph);
  const producers = new Map<number, number>();
  graph.nodes.forEach((node, index) => {
    for (const id of node.outputs) producers.set(id, index);
  });
  const producerOf = (id: number) => producers.get(id) ?? -1;
  const replaced = new Map<number, Node>();
  const gone = new Set<number>();
  graph.nodes.forEach((node, index) => {
    if (node.op !== 'batchNormTrainGrad') return;
    const [x, masked, w, mean, variance] = operands(node);
    const relu = producerOf(masked);
    const mask = graph.nodes[relu];
    if (mask === undefined || mask.op !== 'reluGrad' || gone.has(relu)) return;
    const [dy, y] = [at(mask.inputs, 0), at(mask.inputs, 1)];
    const sameType = [dy, y].every((id) => isLike(graph, id, x));
    // The fused node makes the masked gradient, so nothing it reads may depend on that.
    const independent = [x, w, mean, variance].every((id) => producerOf(id) < relu);
    if (!sameType || !independent) return;
    const bias = biasBehind(graph.nodes[producerOf(mean)], y);
    const shared = (uses.get(masked) ?? 0) > 1;
    const fromInput = bias !== null && !shared;
    const parts = shared && uses.get(dy) === 1 ? sumOf(graph, producerOf(dy), x) : null;
    if (parts !== null) gone.add(producerOf(dy));
    const [part, more] = parts ?? [dy];
    replaced.set(index, {
      op: 'fusedBatchNormTrainGrad',
      inputs: [x, part, w, mean, variance, fromInput ? bias : y, ...(more === undefined ? [] : [more])],
      attrs: { ...node.attrs, mask: fromInput ? 'input' : 'output' },
      outputs: shared ? [...node.outputs, masked] : node.outputs,
      scope: node.scope,
    });
    gone.add(relu);
  });
  if (replaced.size === 0) return graph;
  const nodes = graph.nodes.flatMap((node, index) => (gone.has(index) ? [] : [replaced.get(index) ?? node]));
  return withNodes(graph, sortNodes(nodes));
}

function operands(node: Node): [number, number, number, number, number] {
  return [at(node.inputs, 0), at(node.inputs, 1), at(node.inputs, 2), at(node.inputs, 3), at(node.inputs, 4)];
}

function isLike(graph: Graph, id: number, other: number): boolean {
  const [a, b] = [at(graph.values, id), at(graph.values, other)];
  return a.dtype === b.dtype && a.shape.join() === b.shape.join();
}

/** The two values that the node adds, if it is an addition of values like `x`. */
function sumOf(graph: Graph, index: number, x: number): readonly [number, number] | null {
  const node = graph.nodes[index];
  if (node?.op !== 'add' || !node.inputs.every((id) => isLike(graph, id, x))) return null;
  return [at(node.inputs, 0), at(node.inputs, 1)];
}

/** The bias of the forward norm, if `y` is what it made through a ReLU and without a residual. */
function biasBehind(forward: Node | undefined, y: number): number | null {
  if (forward?.op !== 'fusedBatchNormTrain' || forward.inputs.length > 3 || forward.attrs.relu !== true)
    return null;
  return forward.outputs[0] === y ? at(forward.inputs, 2) : null;
}
