/**
 * Writes the nodes of a graph into a model, each by its rule: the part that inference exports and training steps share. What goes in
 * and out (weights, state, ports) is the caller's.
 */

import { at, type DType, type Graph, graphValue, isFloat, type Node, opNamed, type Shape } from '@omma/core';
import './dialect/forms/index.ts';
import type { Dimensions } from './dimensions.ts';
import { elementCode } from './element.ts';
import type { ModelBuilder, Origin } from './model.ts';
import { RuleContext, type RuleInput, ruleFor } from './rule.ts';

/** Values of a graph under their names in a model. */
export class NamedValues {
  readonly #graph: Graph;
  readonly #dimensions: readonly Dimensions[];
  readonly #known = new Map<number, RuleInput>();

  constructor(graph: Graph, dimensions: readonly Dimensions[]) {
    this.#graph = graph;
    this.#dimensions = dimensions;
  }

  set(id: number, name: string): RuleInput {
    const { shape, dtype } = graphValue(this.#graph, id);
    const value = { name, shape, dtype, dimensions: at(this.#dimensions, id) };
    this.#known.set(id, value);
    return value;
  }

  get(id: number): RuleInput {
    const value = this.#known.get(id);
    if (value === undefined) throw new Error(`onnx: value %${id} is used before it is made`);
    return value;
  }

  dimensions(id: number): Dimensions {
    return at(this.#dimensions, id);
  }
}

/**
 * Adds all nodes of `graph`, whose inputs and state reads have names in `values` already, and names what they make.
 * `batchSource` is an input whose extents tell the batch, when that is dynamic.
 */
export function writeNodes(
  model: ModelBuilder,
  graph: Graph,
  values: NamedValues,
  batchSource: RuleInput | null,
): void {
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((id) => values.get(id));
    const rule = ruleFor(node.op, model.dialect, inputs, node.attrs);
    if (rule === null) throw new Error(`onnx: ${node.op} lost its rule`);
    const outputs = node.outputs.map((id) => ({
      ...graphValue(graph, id),
      dimensions: values.dimensions(id),
    }));
    const origin = { op: node.op, scope: node.scope };
    const context = new RuleContext(model, origin, node.attrs, inputs, outputs, batchSource);
    const written = rule.write(context);
    const names = typeof written === 'string' ? [written] : written;
    for (const [i, id] of node.outputs.entries()) {
      const { dtype, shape } = at(outputs, i);
      const name = withRank(model, at(names, i), shape, origin);
      values.set(id, rounded(model, node, dtype, name, origin));
    }
  }
}

/**
 * The value in the shape that the graph says, with length 1 for a scalar where the dialect has none: rules write operators for inputs of
 * the graph's ranks, and one that is a vector instead can come out with an axis too many, or too few.
 */
function withRank(model: ModelBuilder, name: string, shape: Shape, origin: Origin): string {
  const { minRank } = model.dialect;
  const found = model.factsOf(name).shape;
  const wanted = shape.length < minRank ? [1] : shape;
  if (minRank === 0 || found === null || found.length === wanted.length) return name;
  return at(model.node('Reshape', [name, model.integers(wanted)], {}, origin), 0);
}

/** A 16-bit value that is held in float32, rounded to what its type can hold; moving elements cannot have left that. */
function rounded(model: ModelBuilder, node: Node, dtype: DType, name: string, origin: Origin): string {
  const held = isFloat(dtype) && model.dialect.element(dtype) !== dtype;
  if (!held || opNamed(node.op).kind === 'view' || opNamed(node.op).kind === 'source') return name;
  const [narrow = name] = model.node('Cast', [name], { to: elementCode(dtype) }, origin);
  const [wide = name] = model.node(
    'Cast',
    [narrow],
    { to: elementCode(model.dialect.element(dtype)) },
    origin,
  );
  return wide;
}
