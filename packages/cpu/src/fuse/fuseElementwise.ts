/**
 * Runs of elementwise nodes become one node each, with as many outputs as others read: activations and their gradients, losses, the
 * whole update of a parameter (weight, momentum, moments), which then runs in one pass over memory, in place.
 *
 * Nodes that are connected through fusable edges of one level (levels.ts) form a cluster. Scalar constants become steps of the
 * program, and an operand that was only expanded to the cluster's shape is read as it was before.
 */

import { at, type Graph, type Node, resultIds, sizeOf } from '@omma/core';
import { withNodes } from '../uses.ts';
import { levelsOf } from './levels.ts';
import { type Program, type ProgramStep, programOps } from './program.ts';
import { sortNodes } from './sortNodes.ts';

/** Index of the node that makes a value. */
type Producers = ReadonlyMap<number, number>;

export function fuseElementwise(graph: Graph): Graph {
  const producers = new Map<number, number>();
  graph.nodes.forEach((node, index) => {
    for (const id of node.outputs) producers.set(id, index);
  });
  const clusters = clustersOf(graph, producers);
  const outside = readOutside(graph, clusters);
  const members = new Map<number, number[]>();
  clusters.forEach((cluster, index) => {
    if (cluster < 0) return;
    const list = members.get(cluster);
    if (list === undefined) members.set(cluster, [index]);
    else list.push(index);
  });
  const nodes: Node[] = [];
  graph.nodes.forEach((node, index) => {
    const cluster = at(clusters, index);
    const list = cluster < 0 ? undefined : members.get(cluster);
    if (list === undefined) nodes.push(node);
    else if (index === list[0]) nodes.push(fused(graph, producers, list, outside));
  });
  return withNodes(graph, sortNodes(nodes));
}

/** For each node the cluster it belongs to, -1 for nodes that are not elementwise. */
function clustersOf(graph: Graph, producers: Producers): number[] {
  const levels = levelsOf(graph, producers);
  const parent = graph.nodes.map((_, index) => index);
  const root = (index: number): number => {
    let top = index;
    while (at(parent, top) !== top) top = at(parent, top);
    for (let each = index; each !== top; ) {
      const next = at(parent, each);
      parent[each] = top;
      each = next;
    }
    return top;
  };
  graph.nodes.forEach((node, index) => {
    for (const id of node.inputs) {
      const from = producers.get(id);
      if (from === undefined || !levels.fusable(from, index) || levels.of[from] !== levels.of[index])
        continue;
      parent[root(index)] = root(from);
    }
  });
  return graph.nodes.map((node, index) => (programOps.has(node.op) ? root(index) : -1));
}

/** Values that results or nodes of other clusters read. */
function readOutside(graph: Graph, clusters: readonly number[]): Set<number> {
  const outside = new Set(resultIds(graph));
  const home = new Map<number, number>();
  graph.nodes.forEach((node, index) => {
    for (const id of node.inputs)
      if (home.get(id) !== at(clusters, index) || at(clusters, index) < 0) outside.add(id);
    for (const id of node.outputs) home.set(id, at(clusters, index));
  });
  return outside;
}

/** One node for a cluster; a cluster of one node that reads neither constants nor expanded values stays as it is. */
function fused(
  graph: Graph,
  producers: Producers,
  list: readonly number[],
  outside: ReadonlySet<number>,
): Node {
  const inside = new Set(list.flatMap((index) => at(graph.nodes, index).outputs));
  const operands = new Set(
    list.flatMap((index) => at(graph.nodes, index).inputs).filter((id) => !inside.has(id)),
  );
  const sources = new Map<number, number>();
  for (const id of operands) sources.set(id, beforeExpand(graph, producers, id));
  const constants = new Map<number, ProgramStep>();
  for (const id of new Set(sources.values())) {
    const step = constantStep(graph, graph.nodes[producers.get(id) ?? -1], id);
    if (step !== null) constants.set(id, step);
  }
  const only = at(graph.nodes, at(list, 0));
  const asItWas = constants.size === 0 && [...sources].every(([id, source]) => id === source);
  if (list.length === 1 && asItWas) return only;

  const inputs = [...new Set(sources.values())].filter((id) => !constants.has(id));
  const registers = new Map<number, number>(inputs.map((id, register) => [id, register]));
  const steps: ProgramStep[] = [];
  const addStep = (id: number, step: ProgramStep) => {
    registers.set(id, inputs.length + steps.length);
    steps.push(step);
  };
  const registerOf = (id: number): number => {
    const register = registers.get(sources.get(id) ?? id);
    if (register === undefined) throw new Error(`fuseElementwise: value %${id} is read before it is made`);
    return register;
  };
  for (const [id, step] of constants) addStep(id, step);
  for (const index of list) {
    const { op, inputs: read, attrs, outputs } = at(graph.nodes, index);
    const id = at(outputs, 0);
    addStep(id, { op, inputs: read.map(registerOf), attrs, dtype: at(graph.values, id).dtype });
  }
  const outputs = list.map((index) => at(at(graph.nodes, index).outputs, 0)).filter((id) => outside.has(id));
  const program: Program = { steps, results: outputs.map(registerOf) };
  const scope = at(graph.nodes, at(list, list.length - 1)).scope;
  return { op: 'fusedElementwise', inputs, attrs: { program }, outputs, scope };
}

/** The value as it was before it was expanded: programs broadcast by themselves. */
function beforeExpand(graph: Graph, producers: Producers, id: number): number {
  const producer = graph.nodes[producers.get(id) ?? -1];
  return producer?.op === 'expand' ? at(producer.inputs, 0) : id;
}

/** The step for a value that is the same number everywhere; null for others. */
function constantStep(graph: Graph, producer: Node | undefined, id: number): ProgramStep | null {
  const { dtype, shape } = at(graph.values, id);
  if (producer?.op === 'full') {
    return { op: 'full', inputs: [], attrs: { value: producer.attrs.value ?? 0 }, dtype };
  }
  // 16-bit constants are written as bit patterns.
  if (producer?.op !== 'constant' || sizeOf(shape) !== 1 || dtype === 'bfloat16' || dtype === 'float16')
    return null;
  const data = producer.attrs.data;
  const value = Array.isArray(data) ? data[0] : undefined;
  return typeof value === 'number' || typeof value === 'string'
    ? { op: 'full', inputs: [], attrs: { value }, dtype }
    : null;
}
