/**
 * Collectives beside other work: each `allReduce` becomes a start, as early as its input is there, and an end, right before the first node that reads the sum.
 * In between the device goes on, with the backward pass of the layers below a gradient, while the engine's thread sums.
 *
 * The last pass, because from here on the order of nodes is the order of steps. All ranks have the same graph, so the same order.
 */

import { at, type Graph, type Node, resultIds, type Value } from '@omma/core';
import { withNodes } from '../uses.ts';

/**
 * When a sum is made: `beside` other work, by the engine's thread; when it is `waited` for, by the device's; or so too and `taken` in pieces by the program that
 * reads it, which runs in the order in which all ranks keep values.
 */
export type Sums = 'beside' | 'waited' | 'taken';

export function overlapCollectives(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'allReduce')) return graph;
  return splitInHalves(waitsInBetween(graph) ? graph : withNodes(graph, startedEarly(graph)));
}

/**
 * True when a collective needs the result of another one, as in synchronised batch norm. The engine works in order, so what the device waits for would queue
 * behind large gradients that nobody waits for yet: those are left where they were traced, after the backward pass.
 */
function waitsInBetween({ nodes }: Graph): boolean {
  const behind = new Set<number>();
  return nodes.some(({ op, inputs, outputs }) => {
    const isBehind = inputs.some((id) => behind.has(id));
    if (isBehind || op === 'allReduce') for (const id of outputs) behind.add(id);
    return isBehind && op === 'allReduce';
  });
}

/**
 * The nodes in another order: what is computed for collectives alone (packing, the gradients of weights), and the collectives themselves, come as soon
 * as their inputs are there. The order of all others stays.
 */
function startedEarly(graph: Graph): Node[] {
  const { nodes } = graph;
  const readers = new Map<number, number[]>();
  nodes.forEach(({ inputs }, index) => {
    for (const id of new Set(inputs)) readers.set(id, [...(readers.get(id) ?? []), index]);
  });
  const results = new Set(resultIds(graph));
  const early = new Set<number>();
  for (let index = nodes.length - 1; index >= 0; index--) {
    const { op, outputs } = at(nodes, index);
    const next = outputs.flatMap((id) => readers.get(id) ?? []);
    const serves = next.length > 0 && next.every((reader) => early.has(reader));
    if (op === 'allReduce' || (serves && !outputs.some((id) => results.has(id)))) early.add(index);
  }
  const known = new Set([...graph.inputs.map(({ value }) => value), ...graph.state.map(({ read }) => read)]);
  const missing = nodes.map(({ inputs }) => new Set(inputs.filter((id) => !known.has(id))).size);
  const order: Node[] = [];
  /** Puts a node and every early one that waited for nothing else. */
  const put = (first: number) => {
    const queue = [first];
    for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
      const node = at(nodes, index);
      order.push(node);
      for (const id of node.outputs) {
        for (const reader of readers.get(id) ?? []) {
          missing[reader] = at(missing, reader) - 1;
          if (missing[reader] === 0 && early.has(reader)) queue.push(reader);
        }
      }
    }
  };
  nodes.forEach((_, index) => {
    if (early.has(index) && missing[index] !== 0) return;
    if (!early.has(index) || isFree(at(nodes, index), known)) put(index);
  });
  return order;
}

/** True for a node that waits for no other node: nobody puts it but its own turn. */
function isFree({ inputs }: Node, known: ReadonlySet<number>): boolean {
  return inputs.every((id) => known.has(id));
}

function splitInHalves(graph: Graph): Graph {
  const values: Value[] = [...graph.values];
  const nodes: Node[] = [];
  /** By the value of the sum. */
  const open = new Map<number, Node>();
  const finish = (id: number) => {
    const done = open.get(id);
    if (done === undefined) return;
    open.delete(id);
    nodes.push(done);
  };
  for (const node of graph.nodes) {
    for (const id of node.inputs) finish(id);
    if (node.op !== 'allReduce') {
      nodes.push(node);
      continue;
    }
    const sum = at(node.outputs, 0);
    const { shape, dtype } = at(values, sum);
    const started = values.length;
    values.push({ id: started, shape, dtype, producer: null });
    const attrs = { ...node.attrs, id: sum };
    nodes.push({ ...node, op: 'allReduceStart', attrs, outputs: [started] });
    open.set(sum, { ...node, op: 'allReduceDone', attrs, inputs: [started] });
  }
  for (const id of [...open.keys()]) finish(id);
  return withNodes({ ...graph, values }, nodes);
}
