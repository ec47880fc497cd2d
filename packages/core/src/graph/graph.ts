/**
 * The graph: one flat, serialisable list of nodes in creation order, which is also a topological order.
 *
 * Pure data. It is what `trace` makes, what passes map to another graph, what a device compiles, and what the ONNX
 * exporter writes. It goes through JSON unchanged, so it can be sent to a worker or to C++ as it is.
 */

import type { DType } from '../dtype.ts';
import type { Shape } from '../shape.ts';

/** Attribute values are plain JSON. */
export type AttributeValue =
  | number
  | string
  | boolean
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };
export type Attributes = { readonly [key: string]: AttributeValue };

export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

export interface Value extends TensorType {
  readonly id: number;
  /** Index of the node that makes this value; null for graph inputs and state reads. */
  readonly producer: number | null;
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly number[];
  readonly attrs: Attributes;
  readonly outputs: readonly number[];
  /** Module path where the node was traced, for example `backbone.layer1.0.conv1`; empty at the top. */
  readonly scope: string;
}

export interface Port {
  readonly name: string;
  readonly value: number;
}

/** Named state: the value read at the start of a run and, if it is written, the value kept at its end. */
export interface StateSlot {
  readonly name: string;
  readonly read: number;
  readonly write: number | null;
}

export interface Graph {
  /** Indexed by value id. */
  readonly values: readonly Value[];
  readonly nodes: readonly Node[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly state: readonly StateSlot[];
}

/** The value with this id. A graph that names an unknown id is a defect of the pass that made it. */
export function graphValue(graph: Graph, id: number): Value {
  const value = graph.values[id];
  if (value === undefined) throw new Error(`graph: value %${id} does not exist`);
  return value;
}

/** Ids that must be computed: outputs and state writes. */
export function resultIds(graph: Graph): number[] {
  const ids = graph.outputs.map((port) => port.value);
  for (const slot of graph.state) if (slot.write !== null) ids.push(slot.write);
  return ids;
}
