/**
 * Computes at compile time what depends on constants only, while the result is small; and removes operations that do nothing:
 * x + 0, x * 1, a cast to the same type, a reshape to the same shape, `stopGradient`.
 */

import { fromNumeric, type NumericArray, toNumeric } from '../device/numeric.ts';
import { runNode } from '../device/reference.ts';
import { type Graph, graphValue, type Node, type TensorType } from '../graph/graph.ts';
import { at, opNamed } from '../op.ts';
import { full } from '../ops/index.ts';
import { sameShape, sizeOf } from '../shape.ts';
import { hostTensor, Tensor } from '../tensor.ts';
import { rewrite } from './rewrite.ts';

/** Results with more elements stay in the graph: a constant costs memory for as long as the program lives. */
const maxElements = 4096;

export function foldConstants(graph: Graph): Graph {
  const known = new Map<number, NumericArray>();
  return rewrite(graph, (node, inputs) => {
    const same = doesNothing(graph, node, known);
    if (same !== null) return [at(inputs, same)];
    const results = evaluateNode(graph, node, known);
    if (results === null || node.op === 'full' || node.op === 'constant') return null;
    return node.outputs.map((id, i) => literal(graphValue(graph, id), at(results, i)));
  });
}

/** Known numbers as a node: `full` where they are all the same, which devices and later passes see through, else `constant`. */
function literal({ shape, dtype }: TensorType, data: NumericArray): Tensor {
  const value = data[0];
  if (value !== undefined && data.every((other) => Object.is(other, value))) return full(shape, value, dtype);
  const host = hostTensor(shape, dtype, fromNumeric(dtype, data));
  return new Tensor(host, { kind: 'host', host });
}

/** The numbers of a node whose inputs are all known, remembered in `known`; null when it must run on the device. */
function evaluateNode(
  graph: Graph,
  node: Node,
  known: Map<number, NumericArray>,
): readonly NumericArray[] | null {
  const definition = opNamed(node.op);
  if (['random', 'collective'].includes(definition.kind) || definition.reference === undefined) return null;
  if (node.outputs.some((id) => sizeOf(graphValue(graph, id).shape) > maxElements)) return null;
  const inputs: NumericArray[] = [];
  for (const id of node.inputs) {
    const data = known.get(id);
    if (data === undefined) return null;
    inputs.push(data);
  }
  const results = runNode(graph, node, inputs).map((data, i) => {
    const { dtype } = graphValue(graph, at(node.outputs, i));
    return toNumeric(dtype, fromNumeric(dtype, data));
  });
  node.outputs.forEach((id, i) => {
    known.set(id, at(results, i));
  });
  return results;
}

/** Index of the input that the node merely passes on, or null. */
function doesNothing(graph: Graph, node: Node, known: ReadonlyMap<number, NumericArray>): number | null {
  const output = graphValue(graph, at(node.outputs, 0));
  const passes = (index: number) => {
    const input = graphValue(graph, at(node.inputs, index));
    return sameShape(input.shape, output.shape) && input.dtype === output.dtype;
  };
  const isAll = (index: number, number: number) =>
    known.get(at(node.inputs, index))?.every((x) => x === number) ?? false;
  switch (node.op) {
    case 'stopGradient':
      return 0;
    case 'cast':
    case 'reshape':
    case 'expand':
      return passes(0) ? 0 : null;
    case 'add':
      if (passes(0) && isAll(1, 0)) return 0;
      return passes(1) && isAll(0, 0) ? 1 : null;
    case 'mul':
      if (passes(0) && isAll(1, 1)) return 0;
      return passes(1) && isAll(0, 1) ? 1 : null;
    case 'sub':
      return passes(0) && isAll(1, 0) ? 0 : null;
    case 'div':
      return passes(0) && isAll(1, 1) ? 0 : null;
    default:
      return null;
  }
}
