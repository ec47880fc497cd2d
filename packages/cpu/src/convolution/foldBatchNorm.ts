/**
 * Inference batch norm after a convolution disappears into the convolution's weight and bias.
 *
 * w' = w * s and b' = bias - mean * s (+ b * s), with s = weight / sqrt(variance + eps). All of it depends on state only, which the
 * addon computes once and again only when the state has changed, so a run pays nothing. Left alone where the state is written by
 * the same graph (training), or where the convolution's output has another reader. Batch norms that remain are taken apart.
 */

import {
  add,
  applyOp,
  at,
  cast,
  type Graph,
  graphValue,
  isFloat,
  lowerOp,
  mul,
  type Node,
  opNamed,
  reshape,
  rewrite,
  rsqrt,
  sub,
  type Tensor,
} from '@omma/core';
import { countUses } from '../uses.ts';

export function foldBatchNorm(graph: Graph): Graph {
  if (!graph.nodes.some((node) => node.op === 'batchNorm')) return graph;
  const uses = countUses(graph);
  const kept = keptValues(graph);
  const folded = new Map<number, Node>();
  for (const node of graph.nodes) {
    const convolution = node.op === 'batchNorm' ? foldable(graph, node, uses, kept) : null;
    if (convolution !== null) folded.set(at(convolution.outputs, 0), convolution);
  }
  // What a folded convolution is made of, in the new graph, until its batch norm comes along.
  const waiting = new Map<number, readonly Tensor[]>();
  return rewrite(graph, (node, inputs) => {
    if (folded.has(at(node.outputs, 0))) waiting.set(at(node.outputs, 0), inputs);
    if (node.op !== 'batchNorm') return null;
    const convolution = folded.get(at(node.inputs, 0));
    const operands = waiting.get(at(node.inputs, 0));
    if (convolution === undefined || operands === undefined) {
      return lowerOp(opNamed('batchNorm'), inputs, node.attrs);
    }
    return [foldedConvolution(convolution, operands, inputs, Number(node.attrs.eps))];
  });
}

function foldedConvolution(
  node: Node,
  operands: readonly Tensor[],
  norm: readonly Tensor[],
  eps: number,
): Tensor {
  const [x, weight, bias] = [at(operands, 0), at(operands, 1), operands[2]];
  const [scale, shift, mean, variance] = [at(norm, 1), at(norm, 2), at(norm, 3), at(norm, 4)];
  const factor = mul(scale, rsqrt(add(variance, eps)));
  const wide = cast(weight, 'float32');
  const newWeight = cast(mul(wide, reshape(factor, [-1, 1, 1, 1])), weight.dtype);
  const centred = bias === undefined ? mean : sub(mean, cast(bias, 'float32'));
  const newBias = sub(shift, mul(centred, factor));
  return at(applyOp(opNamed(node.op), [x, newWeight, newBias], node.attrs), 0);
}

function foldable(
  graph: Graph,
  norm: Node,
  uses: ReadonlyMap<number, number>,
  kept: ReadonlySet<number>,
): Node | null {
  const source = at(norm.inputs, 0);
  const { producer } = graphValue(graph, source);
  const convolution = producer === null ? undefined : graph.nodes[producer];
  if (convolution === undefined || convolution.op !== 'conv2d' || uses.get(source) !== 1) return null;
  const parameters = [...convolution.inputs.slice(1), ...norm.inputs.slice(1)];
  return parameters.every((id) => kept.has(id) && isFloat(graphValue(graph, id).dtype)) ? convolution : null;
}

/** Values that depend on constants and on state that the graph does not write. */
function keptValues(graph: Graph): Set<number> {
  const kept = new Set<number>();
  for (const slot of graph.state) if (slot.write === null || slot.write === slot.read) kept.add(slot.read);
  for (const node of graph.nodes) {
    if (opNamed(node.op).kind === 'random') continue;
    if (node.inputs.every((id) => kept.has(id))) for (const id of node.outputs) kept.add(id);
  }
  return kept;
}
