/**
 * Lets the reference device step in for single nodes that a device lacks (`onUnsupported: 'reference'`): the graph is cut into
 * segments that run in turn on the device and on the reference, with host tensors in between. Slow, and right.
 *
 * State stays on the device: every device segment may read it, all writes happen in the last one.
 */

import { GraphBuilder } from '../graph/builder.ts';
import { type Graph, graphValue, resultIds } from '../graph/graph.ts';
import { at } from '../list.ts';
import type { HostTensor } from '../tensor.ts';
import { warn } from '../warn.ts';
import { partOf } from './collectiveSegments.ts';
import { type CompileOptions, type Device, device as deviceNamed, type Executable } from './device.ts';

interface Segment {
  readonly onDevice: boolean;
  /** Indices of its nodes. */
  readonly nodes: readonly number[];
}

interface Part {
  readonly graph: Graph;
  readonly executable: Executable;
}

/** Ops that a warning was given for, as `device op`. */
const warned = new Set<string>();

/** Compiles `graph` for `device`, with the reference device for what it does not support. */
export async function compileWithFallback(
  graph: Graph,
  device: Device,
  options: CompileOptions,
): Promise<Executable> {
  const answers = graph.nodes.map((node) => device.supports(node, graph));
  if (answers.every((answer) => answer === true)) return device.compile(graph, options);
  answers.forEach((answer, i) => {
    const { op } = at(graph.nodes, i);
    const key = `${device.name} ${op}`;
    if (answer === true || warned.has(key)) return;
    warned.add(key);
    warn(`device ${device.name} cannot run ${op} (${answer}); the reference device steps in, which is slow`);
  });
  const segments = partition(
    graph,
    answers.map((answer) => answer === true),
  );
  const parts: Part[] = [];
  try {
    for (const { onDevice, graph: segment } of cut(graph, segments)) {
      const target = onDevice ? device : deviceNamed('reference');
      const executable = await target.compile(segment, onDevice ? options : { state: new Map() });
      parts.push({ graph: segment, executable });
    }
  } catch (error) {
    for (const { executable } of parts) executable.dispose();
    throw error;
  }
  return chain(graph, parts);
}

/** Takes in turn all nodes that can run on the device and all that cannot, so that there are few segments. Begins and ends on the device. */
function partition(graph: Graph, supported: readonly boolean[]): Segment[] {
  const segments: Segment[] = [];
  const done = new Set<number>();
  let waiting = graph.nodes.map((_, index) => index);
  for (let onDevice = true; waiting.length > 0 || onDevice; onDevice = !onDevice) {
    const nodes: number[] = [];
    const later: number[] = [];
    for (const index of waiting) {
      const ready = at(graph.nodes, index).inputs.every((id) => {
        const { producer } = graphValue(graph, id);
        return producer === null || done.has(producer);
      });
      if (ready && supported[index] === onDevice) {
        nodes.push(index);
        done.add(index);
      } else later.push(index);
    }
    segments.push({ onDevice, nodes });
    waiting = later;
  }
  return segments;
}

/** Name of a value on its way between segments. */
const portOf = (id: number) => `value${id}`;

/** A graph for each segment, with the values that later segments and the outside need as outputs. */
function cut(graph: Graph, segments: readonly Segment[]): { onDevice: boolean; graph: Graph }[] {
  const slotOf = new Map(graph.state.map((slot) => [slot.read, slot]));
  const needed = new Set(graph.outputs.map((port) => port.value));
  const parts: { onDevice: boolean; graph: Graph }[] = [];
  for (let s = segments.length - 1; s >= 0; s--) {
    const { onDevice, nodes } = at(segments, s);
    const builder = new GraphBuilder();
    const mapped = new Map<number, number>();
    const idOf = (id: number): number => {
      const known = mapped.get(id);
      if (known !== undefined) return known;
      const slot = onDevice ? slotOf.get(id) : undefined;
      const type = graphValue(graph, id);
      const made = slot === undefined ? builder.input(portOf(id), type) : builder.readState(slot.name, type);
      mapped.set(id, made);
      if (slot === undefined) needed.add(id);
      return made;
    };
    for (const index of nodes) {
      const node = at(graph.nodes, index);
      builder.scope = node.scope;
      const types = node.outputs.map((id) => graphValue(graph, id));
      const ids = builder.node(node.op, node.inputs.map(idOf), node.attrs, types);
      node.outputs.forEach((id, i) => {
        mapped.set(id, at(ids, i));
        if (needed.delete(id)) builder.output(portOf(id), at(ids, i));
      });
    }
    if (s === segments.length - 1) {
      for (const { name, read, write } of graph.state) {
        if (write !== null) builder.writeState(name, graphValue(graph, read), idOf(write));
      }
    }
    if (s === 0) for (const id of needed) if (slotOf.has(id)) builder.output(portOf(id), idOf(id));
    const segment = builder.finish();
    if (segment.nodes.length > 0 || resultIds(segment).length > 0)
      parts.unshift({ onDevice, graph: segment });
  }
  return parts;
}

/** Runs the parts one after another. Runs wait for each other, since a step's writes come after its last part's reads. */
function chain(graph: Graph, parts: readonly Part[]): Executable {
  let last: Promise<unknown> = Promise.resolve();
  const runAll = async (inputs: Readonly<Record<string, HostTensor>>) => {
    const values: Record<string, HostTensor> = {};
    for (const { name, value } of graph.inputs) {
      const given = inputs[name];
      if (given !== undefined) values[portOf(value)] = given;
    }
    for (const { graph: segment, executable } of parts) {
      Object.assign(values, await executable.run(partOf(values, segment)));
    }
    const outputs = graph.outputs.flatMap(({ name, value }) => {
      const made = values[portOf(value)];
      return made === undefined ? [] : [[name, made] as const];
    });
    return Object.fromEntries(outputs);
  };
  return {
    run: (inputs) => {
      const result = last.then(() => runAll(inputs));
      last = result.catch(() => undefined);
      return result;
    },
    bytes: parts.reduce((total, part) => total + part.executable.bytes, 0),
    profile: () => parts.flatMap((part) => part.executable.profile()),
    dispose: () => {
      for (const { executable } of parts) executable.dispose();
    },
  };
}
