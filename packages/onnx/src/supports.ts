/** What a device that runs steps supports: every op that has a rule in its dialect, and what the host's part of a step takes. */

import { at, type Graph, graphValue, type Node } from '@omma/core';
import type { Dialect } from './dialect/dialect.ts';
import { hostNodes } from './host.ts';
import { ruleFor } from './rule.ts';
import './rules/index.ts';

/** For `Device.supports`: true, or why `node` cannot be written in `dialect`. Core's lowering pass then takes it apart. */
export function stepSupports(dialect: Dialect, node: Node, graph: Graph): true | string {
  const types = node.inputs.map((id) => graphValue(graph, id));
  if (ruleFor(node.op, dialect, types, node.attrs) !== null || runsOnHost(node, graph)) return true;
  return `no rule writes it in ONNX opset ${dialect.opset}`;
}

/** Nodes of a graph that the host's part of a step takes; kept, because core asks for every node of a graph in turn. */
const hosted = new WeakMap<Graph, ReadonlySet<Node>>();

function runsOnHost(node: Node, graph: Graph): boolean {
  const known = hosted.get(graph) ?? new Set([...hostNodes(graph)].map((index) => at(graph.nodes, index)));
  hosted.set(graph, known);
  return known.has(node);
}
