/**
 * Graph -> ONNX file. Dead code goes, batch norm is folded, what has no rule is lowered, and every node left is written by its rule.
 * Weights become initializers that carry the names of their variables.
 */

import {
  at,
  eliminateDeadCode,
  formatType,
  type Graph,
  type HostTensor,
  OmmaError,
  sameShape,
} from '@omma/core';
import { dimensionsOf } from './dimensions.ts';
import { foldBatchNorm, type Weights } from './foldBatchNorm.ts';
import { lowerToRules } from './lower.ts';
import { ModelBuilder, type Opset, opsets } from './model.ts';
import { RuleContext, type RuleInput, ruleFor } from './rule.ts';
import './rules/index.ts';

export interface ExportOptions {
  /** The numbers of every state that the graph reads, by name. */
  readonly weights: Weights | Readonly<Record<string, HostTensor>>;
  /** Operator set: 17 unless given, 13 for old runtimes. */
  readonly opset?: number;
  /**
   * Makes the batch dynamic: the same function, traced at another batch size. Comparing the two graphs tells which extents follow
   * the batch. Static unless given.
   */
  readonly dynamicBatch?: Graph;
  /** Name of the graph in the file. */
  readonly name?: string;
  /** Text that travels with the model: class names and the like. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const producerVersion = '0.1.0';

/** The bytes of an ONNX model that computes `graph`, an inference graph: it reads state and writes none. */
export function exportOnnx(graph: Graph, options: ExportOptions): Uint8Array {
  const opset = knownOpset(options.opset ?? 17);
  const weights = checkedWeights(graph, options.weights);
  const main = simplify(graph, weights, opset);
  const other =
    options.dynamicBatch === undefined ? null : simplify(options.dynamicBatch, weights, opset).graph;
  const model = new ModelBuilder(opset);
  write(model, main.graph, other, main.weights);
  return model.finish(options.name ?? 'omma', producerVersion, options.metadata ?? {});
}

function knownOpset(opset: number): Opset {
  if (opset === 13 || opset === 17) return opset;
  throw new OmmaError(`exportOnnx: opset must be one of ${Object.keys(opsets).join(', ')} but is ${opset}`);
}

/** The weights as a map. Each slot of the graph must be there, with its type, and none may be written. */
function checkedWeights(graph: Graph, given: ExportOptions['weights']): Weights {
  const weights = given instanceof Map ? given : new Map(Object.entries(given));
  for (const slot of graph.state) {
    const type = at(graph.values, slot.read);
    if (slot.write !== null) {
      throw new OmmaError(
        `exportOnnx: the graph writes state ${slot.name}; export the inference graph, not a training step`,
      );
    }
    const weight = weights.get(slot.name);
    if (weight === undefined)
      throw new OmmaError(`exportOnnx: no weight is given for ${slot.name} ${formatType(type)}`);
    if (!sameShape(weight.shape, type.shape) || weight.dtype !== type.dtype) {
      throw new OmmaError(
        `exportOnnx: weight ${slot.name} should be ${formatType(type)} but is ${formatType(weight)}; load a checkpoint of this model`,
      );
    }
  }
  return weights;
}

function simplify(graph: Graph, weights: Weights, opset: Opset): { graph: Graph; weights: Weights } {
  const folded = foldBatchNorm(eliminateDeadCode(graph), weights);
  return { graph: eliminateDeadCode(lowerToRules(folded.graph, opset)), weights: folded.weights };
}

function write(model: ModelBuilder, graph: Graph, other: Graph | null, weights: Weights): void {
  const dimensions = dimensionsOf(graph, other);
  const known = new Map<number, RuleInput>();
  const name = (id: number, as: string) => {
    const { shape, dtype } = at(graph.values, id);
    const input = { name: as, shape, dtype, dimensions: at(dimensions, id) };
    known.set(id, input);
    return input;
  };
  const named = (id: number): RuleInput => {
    const input = known.get(id);
    if (input === undefined) throw new Error(`exportOnnx: value %${id} is used before it is made`);
    return input;
  };

  for (const port of graph.outputs) model.reserve(port.name);
  const inputs = graph.inputs.map((port) => name(port.value, port.name));
  for (const input of inputs) model.input(input.name, input.dtype, input.dimensions);
  const batchSource = inputs.find((input) => input.dimensions.some((dimension) => dimension.dynamic)) ?? null;
  for (const slot of graph.state) {
    const weight = weights.get(slot.name);
    if (weight === undefined) throw new Error(`exportOnnx: no numbers for ${slot.name}`);
    model.weight(slot.name, weight);
    name(slot.read, slot.name);
  }
  for (const node of graph.nodes) {
    const nodeInputs = node.inputs.map(named);
    const outputs = node.outputs.map((id) => ({ ...at(graph.values, id), dimensions: at(dimensions, id) }));
    const context = new RuleContext(model, node.scope, node.attrs, nodeInputs, outputs, batchSource);
    const rule = ruleFor(node.op, model.opset, nodeInputs, node.attrs);
    if (rule === null) throw new Error(`exportOnnx: ${node.op} lost its rule`);
    const written = rule.write(context);
    const names = typeof written === 'string' ? [written] : written;
    for (const [i, id] of node.outputs.entries()) name(id, at(names, i));
  }
  for (const port of graph.outputs) {
    const value = named(port.value);
    model.output(port.name, value.name, value.dtype, value.dimensions);
  }
}
