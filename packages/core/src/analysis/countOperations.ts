/**
 * FLOPs and activations of a graph, node by node: what the summary of a model is made of. Read from the traced graph, so whatever a model does in
 * its forward pass is seen, and a training step can be counted as well.
 */

import { type Graph, graphValue, type Node } from '../graph/graph.ts';
import { lowerOp, opNamed } from '../op.ts';
import { rewrite } from '../passes/rewrite.ts';
import { sizeOf } from '../shape.ts';
import { type OperationRule, operationRules } from './operations.ts';

export interface NodeOperations {
  readonly op: string;
  /** Module path. */
  readonly scope: string;
  readonly flops: number;
  /** Elements of the outputs of convolutions and matrix products; 0 for any other op. */
  readonly activations: number;
}

export interface OperationCount {
  /** The nodes that cost something. */
  readonly nodes: readonly NodeOperations[];
  /** How often ops occur that compute sums of products, but have neither a rule nor a lowering: they are missing in the count. */
  readonly uncounted: Readonly<Record<string, number>>;
}

/**
 * Counts `graph` by fvcore's convention, which MMEngine's `get_model_complexity_info` has too: a multiply-add is one FLOP (see operations.ts). An op
 * without a rule is counted as its lowering (attention as its two matrix products). `rules` adds to the table, or replaces entries of it.
 */
export function countOperations(
  graph: Graph,
  rules: Readonly<Record<string, OperationRule>> = {},
): OperationCount {
  const known: Readonly<Record<string, OperationRule>> = { ...operationRules, ...rules };
  const lowered = lowerUncounted(graph, (op) => op in known);
  const nodes: NodeOperations[] = [];
  const uncounted: Record<string, number> = {};
  for (const node of lowered.nodes) {
    const rule = known[node.op];
    if (rule !== undefined) nodes.push(counted(lowered, node, rule));
    else if (multiplies(node)) uncounted[node.op] = (uncounted[node.op] ?? 0) + 1;
  }
  return { nodes, uncounted };
}

function counted(graph: Graph, node: Node, rule: OperationRule): NodeOperations {
  const types = (ids: readonly number[]) => ids.map((id) => graphValue(graph, id));
  const outputs = types(node.outputs);
  return {
    op: node.op,
    scope: node.scope,
    flops: rule.flops({ inputs: types(node.inputs), outputs, attrs: node.attrs }),
    activations: rule.activations === true ? outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0) : 0,
  };
}

/** Ops that may hide sums of products. */
function multiplies(node: Node): boolean {
  const { kind } = opNamed(node.op);
  return kind === 'contract' || kind === 'composite';
}

/** The graph with every op taken apart that has no rule and may hide sums of products. */
function lowerUncounted(graph: Graph, isKnown: (op: string) => boolean): Graph {
  const opens = (node: Node) => !isKnown(node.op) && multiplies(node) && opNamed(node.op).lower !== undefined;
  let current = graph;
  while (current.nodes.some(opens))
    current = rewrite(current, (node, inputs) =>
      opens(node) ? lowerOp(opNamed(node.op), inputs, node.attrs) : null,
    );
  return current;
}
