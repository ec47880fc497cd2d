/**
 * Splits off what must run on the host: random numbers.
 *
 * Threefry is arithmetic on 32-bit words (rotations, exclusive or, wrapping sums) that neither ONNX at these opsets nor AI Core has. So
 * the nodes that draw random numbers, all that they depend on (the key: state, advanced once a step), and what is computed from them
 * in uint32 become a graph of their own. Core's reference device runs it before each step; its outputs are inputs of the model.
 *
 * The same numbers as on every other device follow from that, and so does the restriction: the key must not depend on what the
 * device computes.
 */

import {
  at,
  device,
  eliminateDeadCode,
  type Graph,
  GraphBuilder,
  graphValue,
  lowerOp,
  type Node,
  OmmaError,
  opNamed,
  prepare,
  rewrite,
} from '@omma/core';

export interface HostSplit {
  /** What is left for the device. Its inputs are those of the whole graph and then `feeds`. */
  readonly device: Graph;
  /** For the reference device; null when nothing must run on the host. Takes the whole graph's inputs that it has, by name. */
  readonly host: Graph | null;
  /** Names of the device graph's inputs that come from the host graph's outputs of the same names. */
  readonly feeds: readonly string[];
}

export function splitHost(whole: Graph): HostSplit {
  const graph = eliminateDeadCode(lowerRandom(whole));
  const onHost = hostNodes(graph);
  const slots = hostSlots(graph, onHost);
  if (onHost.size === 0 && slots.size === 0) return { device: graph, host: null, feeds: [] };
  requireIndependence(graph, onHost, slots);
  const fed = fedValues(graph, onHost, slots);
  const host = hostGraph(graph, onHost, slots, fed);
  return {
    device: deviceGraph(graph, onHost, slots, fed),
    host: prepare(host, device('reference'), { amp: null, onUnsupported: 'error' }),
    feeds: fed.map(feedName),
  };
}

const feedName = (id: number) => `host.${id}`;

/** Takes apart the random ops that the reference device has no kernel for, so that only the drawing itself runs on the host. */
function lowerRandom(graph: Graph): Graph {
  const composed = (node: Node) => {
    const { kind, reference } = opNamed(node.op);
    return kind === 'random' && reference === undefined;
  };
  if (!graph.nodes.some(composed)) return graph;
  return lowerRandom(
    rewrite(graph, (node, inputs) => (composed(node) ? lowerOp(opNamed(node.op), inputs, node.attrs) : null)),
  );
}

/** Indices of the nodes of a graph that run on the host: random ones with all they depend on, then what goes on in uint32. */
export function hostNodes(graph: Graph): Set<number> {
  const chosen = new Set<number>();
  const addCone = (index: number) => {
    if (chosen.has(index)) return;
    chosen.add(index);
    for (const id of at(graph.nodes, index).inputs) {
      const { producer } = graphValue(graph, id);
      if (producer !== null) addCone(producer);
    }
  };
  graph.nodes.forEach((node, index) => {
    if (opNamed(node.op).kind === 'random') addCone(index);
  });
  const slots = new Set(graph.state.map((slot) => slot.read));
  const hosted = new Set<number>();
  for (const slot of graph.state) {
    if (graphValue(graph, slot.read).dtype === 'uint32') hosted.add(slot.read);
  }
  const constants = constantValues(graph);
  graph.nodes.forEach((node, index) => {
    if (!chosen.has(index)) {
      const touches = [...node.inputs, ...node.outputs].some(
        (id) => graphValue(graph, id).dtype === 'uint32',
      );
      const follows = node.inputs.some((id) => hosted.has(id));
      const known = node.inputs.every((id) => hosted.has(id) || constants.has(id));
      if (!touches || !follows || !known) return;
      addCone(index);
    }
    for (const id of node.outputs) hosted.add(id);
    for (const id of node.inputs) if (slots.has(id)) hosted.add(id);
  });
  return chosen;
}

/** Values that depend on nothing but constants: host and device graph each make their own. */
function constantValues(graph: Graph): Set<number> {
  const constants = new Set<number>();
  for (const node of graph.nodes) {
    if (opNamed(node.op).kind === 'random' || !node.inputs.every((id) => constants.has(id))) continue;
    for (const id of node.outputs) constants.add(id);
  }
  return constants;
}

/** Names of the state that lives on the host: what its nodes read, and what they make. */
function hostSlots(graph: Graph, onHost: ReadonlySet<number>): Set<string> {
  const read = new Set([...onHost].flatMap((index) => at(graph.nodes, index).inputs));
  const constants = constantValues(graph);
  const made = (id: number) => {
    const { producer } = graphValue(graph, id);
    return producer !== null && onHost.has(producer) && !constants.has(id);
  };
  return new Set(
    graph.state.flatMap((slot) =>
      read.has(slot.read) || (slot.write !== null && made(slot.write)) ? [slot.name] : [],
    ),
  );
}

/** Throws when state of the host would be written by the device. */
function requireIndependence(graph: Graph, onHost: ReadonlySet<number>, slots: ReadonlySet<string>): void {
  const constants = constantValues(graph);
  for (const { name, write } of graph.state) {
    if (!slots.has(name) || write === null || constants.has(write)) continue;
    const { producer } = graphValue(graph, write);
    if (producer === null || onHost.has(producer)) continue;
    const node = at(graph.nodes, producer);
    throw new OmmaError(
      `onnx: state ${name} is read by random operations, which run on the host, but is written by ${node.op}` +
        `${node.scope === '' ? '' : ` at ${node.scope}`}, which runs on the device; let the random key depend on seed and counter alone`,
    );
  }
}

/** Values that the host makes or keeps and the device needs, in order of their ids. */
function fedValues(graph: Graph, onHost: ReadonlySet<number>, slots: ReadonlySet<string>): number[] {
  const constants = constantValues(graph);
  const hosted = new Set<number>();
  for (const slot of graph.state) if (slots.has(slot.name)) hosted.add(slot.read);
  for (const index of onHost) {
    for (const id of at(graph.nodes, index).outputs) if (!constants.has(id)) hosted.add(id);
  }
  const needed = new Set<number>(graph.outputs.map((port) => port.value));
  graph.nodes.forEach((node, index) => {
    if (!onHost.has(index)) for (const id of node.inputs) needed.add(id);
  });
  for (const slot of graph.state) if (slot.write !== null && !slots.has(slot.name)) needed.add(slot.write);
  return [...needed].filter((id) => hosted.has(id)).sort((a, b) => a - b);
}

/** Copies nodes of a graph into a new one. */
class Copy {
  readonly builder = new GraphBuilder();
  readonly #graph: Graph;
  readonly #mapped = new Map<number, number>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  set(id: number, copy: number): void {
    this.#mapped.set(id, copy);
  }

  /** The copy of a value; a graph input is declared when it is first asked for, a node that makes only constants is copied. */
  get(id: number): number {
    const known = this.#mapped.get(id);
    if (known !== undefined) return known;
    const { producer } = graphValue(this.#graph, id);
    if (producer === null) {
      const port = this.#graph.inputs.find((candidate) => candidate.value === id);
      if (port === undefined) throw new Error(`splitHost: value %${id} is neither input nor made`);
      const copy = this.builder.input(port.name, graphValue(this.#graph, id));
      this.set(id, copy);
      return copy;
    }
    this.node(producer);
    return this.get(id);
  }

  node(index: number): void {
    const node = at(this.#graph.nodes, index);
    this.builder.scope = node.scope;
    const types = node.outputs.map((id) => graphValue(this.#graph, id));
    const ids = this.builder.node(
      node.op,
      node.inputs.map((id) => this.get(id)),
      node.attrs,
      types,
    );
    node.outputs.forEach((id, i) => {
      this.set(id, at(ids, i));
    });
  }
}

function hostGraph(
  graph: Graph,
  onHost: ReadonlySet<number>,
  slots: ReadonlySet<string>,
  fed: readonly number[],
): Graph {
  const copy = new Copy(graph);
  const state = graph.state.filter((slot) => slots.has(slot.name));
  for (const { name, read } of state) copy.set(read, copy.builder.readState(name, graphValue(graph, read)));
  for (const index of [...onHost].sort((a, b) => a - b)) copy.node(index);
  for (const { name, read, write } of state) {
    if (write !== null) copy.builder.writeState(name, graphValue(graph, read), copy.get(write));
  }
  for (const id of fed) copy.builder.output(feedName(id), copy.get(id));
  return copy.builder.finish();
}

function deviceGraph(
  graph: Graph,
  onHost: ReadonlySet<number>,
  slots: ReadonlySet<string>,
  fed: readonly number[],
): Graph {
  const copy = new Copy(graph);
  const state = graph.state.filter((slot) => !slots.has(slot.name));
  for (const { name, value } of graph.inputs)
    copy.set(value, copy.builder.input(name, graphValue(graph, value)));
  for (const id of fed) copy.set(id, copy.builder.input(feedName(id), graphValue(graph, id)));
  for (const { name, read } of state) copy.set(read, copy.builder.readState(name, graphValue(graph, read)));
  graph.nodes.forEach((_, index) => {
    if (!onHost.has(index)) copy.node(index);
  });
  for (const { name, read, write } of state) {
    if (write !== null) copy.builder.writeState(name, graphValue(graph, read), copy.get(write));
  }
  for (const { name, value } of graph.outputs) copy.builder.output(name, copy.get(value));
  return copy.builder.finish();
}
