/**
 * Convolution, bias, residual and activation as one oneDNN primitive.
 *
 * `fusedConv2d(x, weight, bias?, residual?) {...conv2d, bias, residual, activation: {op, ...}}` computes
 * activation(conv2d + bias + residual). Each step is taken when its input has no other reader, so it is legal in training as well.
 * The fused node stands where the last of its parts stood: everything it reads has been made by then.
 */

import { type Attributes, at, type Graph, graphValue, type Node } from '@omma/core';
import { countUses, withNodes } from '../uses.ts';

/** Activations that oneDNN applies before the result leaves the registers. */
const activations: ReadonlySet<string> = new Set([
  'relu',
  'relu6',
  'clamp',
  'leakyRelu',
  'elu',
  'sigmoid',
  'silu',
  'tanh',
  'hardSwish',
]);

interface Fusion {
  readonly convolution: Node;
  readonly residual: number | null;
  readonly activation: Node | null;
}

export function fuseConvolution(graph: Graph): Graph {
  const readers = soleReaders(graph);
  /** By index of the node that the fused one replaces; and the nodes that are gone. */
  const fusions = new Map<number, Fusion>();
  const gone = new Set<number>();
  graph.nodes.forEach((node, index) => {
    if (node.op !== 'conv2d' || gone.has(index)) return;
    let last = index;
    let residual: number | null = null;
    let activation: Node | null = null;
    const sum = readers.get(at(node.outputs, 0));
    if (sum !== undefined && !gone.has(sum)) {
      residual = residualOf(graph, at(graph.nodes, sum), at(node.outputs, 0));
      if (residual !== null) last = sum;
    }
    const next = readers.get(at(at(graph.nodes, last).outputs, 0));
    if (next !== undefined && activations.has(at(graph.nodes, next).op)) {
      activation = at(graph.nodes, next);
      if (last !== index) gone.add(last);
      last = next;
    }
    if (last === index) return;
    gone.add(index);
    gone.add(last);
    fusions.set(last, { convolution: node, residual, activation });
  });
  if (fusions.size === 0) return graph;
  const nodes: Node[] = [];
  graph.nodes.forEach((node, index) => {
    const fusion = fusions.get(index);
    if (fusion !== undefined) nodes.push(fused(fusion, node.outputs));
    else if (!gone.has(index)) nodes.push(node);
  });
  return withNodes(graph, nodes);
}

function fused({ convolution, residual, activation }: Fusion, outputs: readonly number[]): Node {
  const attrs: Attributes = {
    ...convolution.attrs,
    bias: convolution.inputs.length > 2,
    residual: residual !== null,
    activation: activation === null ? { op: 'none' } : { ...activation.attrs, op: activation.op },
  };
  const inputs = residual === null ? convolution.inputs : [...convolution.inputs, residual];
  return { op: 'fusedConv2d', inputs, attrs, outputs, scope: convolution.scope };
}

/** The other operand when `node` adds one of equal type to `value`. */
function residualOf(graph: Graph, node: Node, value: number): number | null {
  if (node.op !== 'add') return null;
  const [a, b] = [at(node.inputs, 0), at(node.inputs, 1)];
  const other = a === value ? b : a;
  if (other === value) return null;
  const [mine, its] = [graphValue(graph, value), graphValue(graph, other)];
  return mine.dtype === its.dtype && mine.shape.join() === its.shape.join() ? other : null;
}

/** For values that are read exactly once, by a node: which. */
function soleReaders(graph: Graph): Map<number, number> {
  const uses = countUses(graph);
  const readers = new Map<number, number>();
  graph.nodes.forEach((node, index) => {
    for (const id of node.inputs) if (uses.get(id) === 1) readers.set(id, index);
  });
  return readers;
}
