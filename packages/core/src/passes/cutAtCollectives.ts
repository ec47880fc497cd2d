/**
 * Cuts a graph where it needs the sum of a collective: into segments that hold none, with the sums in between. Segment k has what needs k sums one after the other. What
 * later segments need of earlier ones becomes state, which stays on the device.
 */

import { GraphBuilder } from '../graph/builder.ts';
import { type Graph, graphValue, type Node, type TensorType } from '../graph/graph.ts';
import { at } from '../list.ts';

export interface Segment {
  readonly graph: Graph;
  /** States that are to be summed over the ranks, in this order, when the segment has run. */
  readonly sums: readonly string[];
}

export interface CutGraph {
  /** To be run one after another; inputs and outputs are parts of the graph's. */
  readonly segments: readonly Segment[];
  /** The states that segments leave for each other. */
  readonly kept: ReadonlyMap<string, TensorType>;
}

export const isCollective = ({ op }: Node): boolean => op === 'allReduce';

/** What a value is called as state between segments. */
const keptName = (id: number) => `cut.value${id}`;

export function cutAtCollectives(graph: Graph): CutGraph {
  const levels = levelsOf(graph);
  const writes = writeLevels(graph, levels);
  const kept = new Map<string, TensorType>();
  for (const id of crossing(graph, levels, writes)) kept.set(keptName(id), graphValue(graph, id));
  const count = 1 + Math.max(0, ...levels, ...writes);
  const segments = Array.from({ length: count }, (_, level) =>
    segmentOf(graph, { levels, writes, kept }, level),
  );
  return { segments, kept };
}

interface Plan {
  /** By value: how many collectives lie before it, one after the other. */
  readonly levels: readonly number[];
  /** By state: in which segment it is written. */
  readonly writes: readonly number[];
  readonly kept: ReadonlyMap<string, TensorType>;
}

function levelsOf({ values, nodes }: Graph): number[] {
  const levels = values.map(() => 0);
  for (const node of nodes) {
    const before = Math.max(0, ...node.inputs.map((id) => at(levels, id)));
    for (const id of node.outputs) levels[id] = before + (isCollective(node) ? 1 : 0);
  }
  return levels;
}

/** Once the value is there, and nobody reads the old one any more: what random numbers are drawn from never gets behind the first segment. */
function writeLevels({ nodes, outputs, state }: Graph, levels: readonly number[]): number[] {
  const readers = new Map<number, number>();
  const read = (id: number, level: number) => readers.set(id, Math.max(level, readers.get(id) ?? 0));
  for (const node of nodes) {
    const level = at(levels, at(node.outputs, 0)) - (isCollective(node) ? 1 : 0);
    for (const id of node.inputs) read(id, level);
  }
  for (const { value } of outputs) read(value, at(levels, value));
  const last = Math.max(0, ...levels);
  return state.map(({ read: old, write }) => {
    if (write === null) return 0;
    // One state that is written to another.
    const copied = state.some((slot) => slot.write === old && slot.read !== old);
    return copied ? last : Math.max(at(levels, write), readers.get(old) ?? 0);
  });
}

/** The node that makes a value; null for inputs, state, and what every segment makes anew, because it is made of nothing. */
function makerOf(graph: Graph, id: number): Node | null {
  const { producer } = graphValue(graph, id);
  if (producer === null) return null;
  const node = at(graph.nodes, producer);
  return node.inputs.length === 0 ? null : node;
}

/** Sums, and what a later segment than its own needs. */
function crossing(graph: Graph, levels: readonly number[], writes: readonly number[]): Set<number> {
  const ids = new Set<number>();
  const used = (id: number, level: number) => {
    if (makerOf(graph, id) !== null && at(levels, id) < level) ids.add(id);
  };
  for (const node of graph.nodes) {
    if (isCollective(node)) ids.add(at(node.outputs, 0));
    else for (const id of node.inputs) used(id, at(levels, at(node.outputs, 0)));
  }
  graph.state.forEach(({ write }, i) => {
    if (write !== null) used(write, at(writes, i));
  });
  return ids;
}

function segmentOf(graph: Graph, { levels, writes, kept }: Plan, level: number): Segment {
  const builder = new GraphBuilder();
  const names = new Map(graph.inputs.map(({ name, value }) => [value, name]));
  const slots = new Map(graph.state.map(({ name, read }) => [read, name]));
  const mapped = new Map<number, number>();
  const sums: string[] = [];

  const idOf = (id: number): number => {
    const known = mapped.get(id);
    if (known !== undefined) return known;
    const type = graphValue(graph, id);
    const [input, slot] = [names.get(id), slots.get(id)];
    if (input !== undefined) mapped.set(id, builder.input(input, type));
    else if (slot !== undefined) mapped.set(id, builder.readState(slot, type));
    else if (makerOf(graph, id) === null && type.producer !== null) add(at(graph.nodes, type.producer));
    else mapped.set(id, builder.readState(keptName(id), type));
    return idOf(id);
  };
  const add = (node: Node) => {
    builder.scope = node.scope;
    const types = node.outputs.map((id) => graphValue(graph, id));
    const ids = builder.node(node.op, node.inputs.map(idOf), node.attrs, types);
    for (const [i, id] of node.outputs.entries()) mapped.set(id, at(ids, i));
  };
  const keep = (id: number, value: number) => {
    const name = keptName(id);
    if (kept.has(name)) builder.writeState(name, graphValue(graph, id), idOf(value));
  };

  for (const node of graph.nodes) {
    if (isCollective(node)) {
      const [summed, own] = [at(node.outputs, 0), at(node.inputs, 0)];
      if (at(levels, own) !== level) continue;
      keep(summed, own);
      sums.push(keptName(summed));
    } else if (node.inputs.length > 0 && at(levels, at(node.outputs, 0)) === level) {
      add(node);
      for (const id of node.outputs) keep(id, id);
    }
  }
  builder.scope = '';
  for (const { name, value } of graph.outputs) {
    if (at(levels, value) === level) builder.output(name, idOf(value));
  }
  graph.state.forEach(({ name, read, write }, i) => {
    if (write !== null && at(writes, i) === level)
      builder.writeState(name, graphValue(graph, read), idOf(write));
  });
  return { graph: builder.finish(), sums };
}
