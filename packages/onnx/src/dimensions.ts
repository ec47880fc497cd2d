/**
 * Which extents depend on the batch, and which on the size of the picture.
 *
 * Graphs have static shapes. A model with a dynamic batch is exported from two graphs of the same function, traced at two batch
 * sizes: what is equal in both is a constant, what differs must be a multiple of the batch. In the same way a third graph, traced at another height and
 * width, tells what follows the picture; such an extent is no simple function of another, so nothing may be computed from it. Nothing has to be guessed
 * from names or positions, and whatever else depends on batch or size is found and refused.
 */

import { at, type Graph, type Node, OmmaError, type Value } from '@omma/core';
import { numbersAttribute } from './attributes.ts';

/**
 * The number `size` unless `dynamic`: then `factor` times the batch, or with `factor` null something that follows the picture's size. `size` is the
 * extent in the first graph.
 */
export interface Dimension {
  readonly size: number;
  readonly dynamic: boolean;
  readonly factor: number | null;
}

export type Dimensions = readonly Dimension[];

export function fixed(size: number): Dimension {
  return { size, dynamic: false, factor: 0 };
}

/** True for a multiple of the batch. */
export function followsBatch({ dynamic, factor }: Dimension): boolean {
  return dynamic && factor !== null;
}

/** The name of a dynamic extent in a model: `N`, `4*N`; of one that follows the picture its place, `image.2`. */
export function dimensionName({ factor }: Dimension, port: string, axis: number): string {
  if (factor === null) return `${port}.${axis}`;
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

/** The same for the picture's size. */
const { conv2dInputGrad: _, ...sizeAttributes } = shapeAttributes;

/** The extents of every value of `graph`; all fixed but for what differs in a graph of another batch size, or of another picture size. */
export function dimensionsOf(graph: Graph, otherBatch: Graph | null, otherSize: Graph | null): Dimensions[] {
  const open = otherSize === null ? null : openAxes(graph, otherSize);
  const dimensions = otherBatch === null ? fixedDimensions(graph) : batchDimensions(graph, otherBatch);
  if (open === null) return dimensions;
  return dimensions.map((own, id) =>
    own.map((dimension, axis) => {
      if (at(open, id)[axis] !== true) return dimension;
      if (!dimension.dynamic) return { ...dimension, dynamic: true, factor: null };
      throw new OmmaError(
        `exportOnnx: axis ${axis} of %${id} follows both the batch and the picture's size; export with one of the two fixed`,
      );
    }),
  );
}

const fixedDimensions = (graph: Graph): Dimensions[] => graph.values.map((value) => value.shape.map(fixed));

function batchDimensions(graph: Graph, other: Graph): Dimensions[] {
  const [batch, otherBatch] = batchSizes(graph, other);
  requireSameStructure(graph, other, 'the batch size; export with a static batch', () => shapeAttributes);
  return graph.values.map((value) => pairDimensions(value, at(other.values, value.id), batch, otherBatch));
}

/** Which axes of every value differ between two picture sizes. */
function openAxes(graph: Graph, other: Graph): boolean[][] {
  requireSameStructure(graph, other, "the picture's size; export with a fixed size", (node, twin) =>
    node.op === 'slice' && !reachesEnd(node, graph, twin, other) ? {} : sizeAttributes,
  );
  return graph.values.map(({ id, shape }) =>
    shape.map((extent, axis) => at(other.values, id).shape[axis] !== extent),
  );
}

/** True when every end of a slice that differs is the end of its axis. */
function reachesEnd(node: Node, graph: Graph, twin: Node, other: Graph): boolean {
  const [ends, otherEnds] = [numbersAttribute(node.attrs, 'ends'), numbersAttribute(twin.attrs, 'ends')];
  const [shape, otherShape] = [graph, other].map((each) => at(each.values, node.inputs[0] ?? -1).shape);
  return ends.every(
    (end, axis) =>
      end === otherEnds[axis] || (end === shape?.[axis] && otherEnds[axis] === otherShape?.[axis]),
  );
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

/** `free` names the attribute of each op that may differ. */
function requireSameStructure(
  graph: Graph,
  other: Graph,
  whatAndAdvice: string,
  free: (node: Node, twin: Node) => Readonly<Record<string, string>>,
): void {
  const failure = (what: string) => new OmmaError(`exportOnnx: ${what} depends on ${whatAndAdvice}`);
  if (graph.nodes.length !== other.nodes.length) throw failure('the number of nodes');
  for (const [index, node] of graph.nodes.entries()) {
    const twin = other.nodes[index];
    const where = node.scope === '' ? node.op : `${node.op} at ${node.scope}`;
    if (twin === undefined || twin.op !== node.op || String(twin.inputs) !== String(node.inputs))
      throw failure(where);
    const name = free(node, twin)[node.op] ?? '';
    if (otherAttributes(twin, name) !== otherAttributes(node, name))
      throw failure(`an attribute of ${where}`);
  }
}

/** All attributes but one, as text. */
function otherAttributes({ attrs }: Node, name: string): string {
  return JSON.stringify({ ...attrs, [name]: null });
}
