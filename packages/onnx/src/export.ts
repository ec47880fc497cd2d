/**
 * Graph -> ONNX file. Dead code goes, batch norm is folded, what has no rule is lowered, and every node left is written by its rule.
 * Weights become initializers that carry the names of their variables.
 */

import {
  at,
  eliminateDeadCode,
  foldEmpty,
  formatType,
  type Graph,
  graphValue,
  type HostTensor,
  OmmaError,
  sameShape,
} from '@omma/core';
import { type Dialect, opsets } from './dialect/dialect.ts';
import { plainDialect } from './dialect/plain.ts';
import { type Dimensions, dimensionsOf, followsBatch } from './dimensions.ts';
import { foldBatchNorm, type Weights } from './foldBatchNorm.ts';
import { lowerToRules } from './lower.ts';
import { ModelBuilder } from './model.ts';
import './rules/index.ts';
import { NamedValues, writeNodes } from './write.ts';

export interface ExportOptions {
  /** The numbers of every state that the graph reads, by name. */
  readonly weights: Weights | Readonly<Record<string, HostTensor>>;
  /** Operator set: 17 unless given, 13 for old runtimes. */
  readonly opset?: number;
  /** What the target takes, instead of an opset: plain ONNX unless given. */
  readonly dialect?: Dialect;
  /**
   * Makes the batch dynamic: the same function, traced at another batch size. Comparing the two graphs tells which extents follow
   * the batch. Static unless given.
   */
  readonly dynamicBatch?: Graph;
  /**
   * Makes the picture's size dynamic: the same function, traced with pictures of another height and width and the batch of the graph.
   * What would have to compute with the size is refused. Static unless given.
   */
  readonly dynamicSize?: Graph;
  /** Name of the graph in the file. */
  readonly name?: string;
  /** Text that travels with the model: class names and the like. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The bytes of an ONNX model that computes `graph`, an inference graph: it reads state and writes none. */
export function exportOnnx(graph: Graph, options: ExportOptions): Uint8Array {
  const dialect = options.dialect ?? plainDialect(knownOpset(options.opset ?? 17));
  const weights = checkedWeights(graph, options.weights);
  const main = simplify(graph, weights, dialect);
  const simplified = (other: Graph | undefined) =>
    other === undefined ? null : simplify(other, weights, dialect).graph;
  const model = new ModelBuilder(dialect);
  const dimensions = dimensionsOf(
    main.graph,
    simplified(options.dynamicBatch),
    simplified(options.dynamicSize),
  );
  write(model, main.graph, dimensions, main.weights);
  return model.finish(options.name ?? 'omma', options.metadata ?? {});
}

function knownOpset(opset: number): keyof typeof opsets {
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

function simplify(graph: Graph, weights: Weights, dialect: Dialect): { graph: Graph; weights: Weights } {
  const folded = foldBatchNorm(foldEmpty(eliminateDeadCode(graph)), weights);
  return { graph: eliminateDeadCode(lowerToRules(folded.graph, dialect)), weights: folded.weights };
}

function write(model: ModelBuilder, graph: Graph, dimensions: readonly Dimensions[], weights: Weights): void {
  const values = new NamedValues(graph, dimensions);
  const element = (id: number) => model.dialect.element(graphValue(graph, id).dtype);
  const outputs = graph.outputs.map((port) => model.reserve(port.name));
  const inputs = graph.inputs.map(({ name, value }) =>
    values.set(value, model.input(name, element(value), values.dimensions(value))),
  );
  const batchSource = inputs.find((input) => input.dimensions.some(followsBatch)) ?? null;
  for (const slot of graph.state) {
    const weight = weights.get(slot.name);
    if (weight === undefined) throw new Error(`exportOnnx: no numbers for ${slot.name}`);
    values.set(slot.read, model.weight(slot.name, weight));
  }
  writeNodes(model, graph, values, batchSource);
  for (const [i, { value }] of graph.outputs.entries()) {
    model.output(at(outputs, i), values.get(value).name, element(value), values.dimensions(value));
  }
}
