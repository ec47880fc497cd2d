/**
 * Graph -> a model that a device runs step by step: the hand-over from this package's lowering to the devices `onnx` and `ascend`.
 *
 * State goes in and comes out as inputs and outputs, never as initializers: weights of a training step change, and Ascend's compiler
 * would bake them in. Which buffers stand behind them, and when they swap, is the device's. Works for inference graphs too.
 */

import { at, eliminateDeadCode, foldEmpty, type Graph, graphValue, type TensorType } from '@omma/core';
import type { Dialect } from './dialect/dialect.ts';
import { fixed } from './dimensions.ts';
import type { ElementType } from './element.ts';
import { splitHost } from './host.ts';
import { lowerToRules } from './lower.ts';
import { ModelBuilder, type Origin } from './model.ts';
import './rules/index.ts';
import { NamedValues, writeNodes } from './write.ts';

/** One input or output of the model. */
export interface StepPort {
  /** Its name in the ONNX file. */
  readonly name: string;
  /** In the graph. In the file a scalar has shape [1] where the dialect has no scalars. */
  readonly type: TensorType;
  /** In the file: how the bytes are to be read. bfloat16 is held in float32 by the plain dialect. */
  readonly element: ElementType;
}

export interface StepState {
  /** Name of the slot in `graph.state`. */
  readonly slot: string;
  /** Null when the step does not read it. */
  readonly input: StepPort | null;
  /** Null when the step does not write it. */
  readonly output: StepPort | null;
}

export interface StepModel {
  /** The .onnx file. */
  readonly bytes: Uint8Array;
  /** Inputs of the graph, under `port`; those that nothing on the device reads are left out. */
  readonly inputs: readonly (StepPort & { readonly port: string })[];
  readonly outputs: readonly (StepPort & { readonly port: string })[];
  /** State that lives on the device. What lives on the host is in `host.graph.state`. */
  readonly state: readonly StepState[];
  /**
   * What runs on the host before each step, on core's reference device: random numbers, whose 32-bit integer arithmetic ONNX and AI
   * Core lack. It reads and writes state of its own and takes those inputs of the whole graph that it has, by name; its outputs feed
   * inputs of the model. Null if there is none.
   */
  readonly host: {
    readonly graph: Graph;
    readonly feeds: readonly (StepPort & { readonly output: string })[];
  } | null;
  /** ONNX node name -> where it comes from. Messages of ONNX Runtime and of `atc` are mapped with it. */
  readonly origin: ReadonlyMap<string, Origin>;
}

/** Lowers `graph`, training steps included, to ONNX operators of `dialect`. Throws OmmaError for an op that has no rule and no lowering. */
export function buildStep(graph: Graph, dialect: Dialect): StepModel {
  const split = splitHost(foldEmpty(eliminateDeadCode(graph)));
  const lowered = eliminateDeadCode(lowerToRules(split.device, dialect));
  const model = new ModelBuilder(dialect);
  const values = new NamedValues(
    lowered,
    lowered.values.map((value) => value.shape.map(fixed)),
  );
  const portOf = (id: number, name: string): StepPort => {
    const { shape, dtype } = graphValue(lowered, id);
    return { name, type: { shape, dtype }, element: dialect.element(dtype) };
  };
  const dimensions = (id: number) => {
    const own = values.dimensions(id);
    return own.length < dialect.minRank ? [fixed(1)] : own;
  };
  const used = usedValues(lowered);
  const input = (id: number, wanted: string): StepPort => {
    const port = portOf(
      id,
      model.input(wanted, dialect.element(graphValue(lowered, id).dtype), dimensions(id)),
    );
    values.set(id, port.name);
    return port;
  };
  const output = (id: number, name: string): StepPort => {
    const port = portOf(id, name);
    model.output(name, values.get(id).name, port.element, dimensions(id));
    return port;
  };

  const ports = lowered.inputs.filter((port) => used.has(port.value));
  const inputs = ports.map((port) => ({ ...input(port.value, port.name), port: port.name }));
  const reads = lowered.state.map((slot) => (used.has(slot.read) ? input(slot.read, slot.name) : null));
  const outputNames = lowered.outputs.map((port) => model.reserve(port.name));
  const writeNames = lowered.state.map((slot) =>
    slot.write === null ? '' : model.reserve(`${slot.name}.next`),
  );
  writeNodes(model, lowered, values, null);
  const outputs = lowered.outputs.map((port, i) => ({
    ...output(port.value, at(outputNames, i)),
    port: port.name,
  }));
  const state = lowered.state.map((slot, i) => ({
    slot: slot.name,
    input: at(reads, i),
    output: slot.write === null ? null : output(slot.write, at(writeNames, i)),
  }));
  const feeds = inputs.flatMap(({ port, ...rest }) =>
    split.feeds.includes(port) ? [{ ...rest, output: port }] : [],
  );
  return {
    bytes: model.finish('step', {}),
    inputs: inputs.filter(({ port }) => !split.feeds.includes(port)),
    outputs,
    state,
    host: split.host === null ? null : { graph: split.host, feeds },
    origin: model.origins,
  };
}

/** Values that a node reads or that leave the graph. */
function usedValues(graph: Graph): Set<number> {
  const used = new Set(graph.outputs.map((port) => port.value));
  for (const node of graph.nodes) for (const id of node.inputs) used.add(id);
  for (const slot of graph.state) if (slot.write !== null) used.add(slot.write);
  return used;
}
