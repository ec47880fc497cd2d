/**
 * Which extents depend on the batch.
 *
 * Graphs have static shapes. A model with a dynamic batch is exported from two graphs of the same function, traced at two batch
 * sizes: what is equal in both is a constant, what differs must be a multiple of the batch. Nothing has to be guessed from names
 * or positions, and whatever else depends on the batch is found and refused.
 */

import { at, type Graph, type Node, OmmaError, type Value } from '@omma/core';

/** `factor` times the batch when `dynamic`, the number `size` otherwise. `size` is the extent in the first graph. */
export interface Dimension {
  readonly size: number;
  readonly dynamic: boolean;
  readonly factor: number;
}

export type Dimensions = readonly Dimension[];

export function fixed(size: number): Dimension {
  return { size, dynamic: false, factor: 0 };
}

/** The name of an extent in a model: `N`, `4*N`, or its number. */
export function dimensionName({ size, dynamic, factor }: Dimension): string {
  if (!dynamic) return String(size);
  return factor === 1 ? 'N' : `${factor}*N`;
}

/** Attributes that may follow the batch, because the rules of these ops read `dimensions` instead. */
const shapeAttributes: Readonly<Record<string, string>> = {
  reshape: 'shape',
  expand: 'shape',
  full: 'shape',
  iota: 'shape',
  slice: 'ends',
  conv2dInputGrad: 'inputShape',
};

/** The extents of every value of `graph`; all fixed when there is no second graph. */
export function dimensionsOf(graph: Graph, other: Graph | null): Dimensions[] {
  if (other === null) return graph.values.map((value) => value.shape.map(fixed));
  const [batch, otherBatch] = batchSizes(graph, other);
  requireSameStructure(graph, other);
  return graph.values.map((value) => pairDimensions(value, at(other.values, value.id), batch, otherBatch));
}

function pairDimensions(a: Value, b: Value, batch: number, otherBatch: number): Dimensions {
  return a.shape.map((size, axis) => {
    const otherSize = b.shape[axis];
    if (otherSize === size) return fixed(size);
    const factor = size / batch;
    if (otherSize === undefined || !Number.isInteger(factor) || factor * otherBatch !== otherSize) {
      throw new OmmaError(
        `exportOnnx: with a dynamic batch every extent must be fixed or a multiple of the batch, but axis ${axis} of %${a.id} is ` +
          `${size} at batch ${batch} and ${otherSize} at batch ${otherBatch}; export with a static batch`,
      );
    }
    return { size, dynamic: true, factor };
  });
}

function batchSizes(graph: Graph, other: Graph): [number, number] {
  for (const [index, port] of graph.inputs.entries()) {
    const { shape } = at(graph.values, port.value);
    const otherPort = other.inputs[index];
    if (otherPort === undefined) break;
    const otherShape = at(other.values, otherPort.value).shape;
    const [batch] = shape;
    const [otherBatch] = otherShape;
    if (batch !== undefined && otherBatch !== undefined && batch !== otherBatch) return [batch, otherBatch];
  }
  throw new OmmaError(
    'exportOnnx: dynamicBatch expects the same function traced at another batch size, but no input differs in its first extent',
  );
}

function requireSameStructure(graph: Graph, other: Graph): void {
  const fails = (what: string) => {
    throw new OmmaError(`exportOnnx: ${what} depends on the batch size; export with a static batch`);
  };
  if (graph.nodes.length !== other.nodes.length) fails('the number of nodes');
  graph.nodes.forEach((node, index) => {
    const twin = other.nodes[index];
    const where = node.scope === '' ? node.op : `${node.op} at ${node.scope}`;
    if (twin === undefined || twin.op !== node.op || String(twin.inputs) !== String(node.inputs))
      fails(where);
    else if (otherAttributes(twin) !== otherAttributes(node)) fails(`an attribute of ${where}`);
  });
}

/** All attributes but the one that may follow the batch, as text. */
function otherAttributes({ op, attrs }: Node): string {
  return JSON.stringify({ ...attrs, [shapeAttributes[op] ?? '']: null });
}
