/**
 * What the value of an ONNX name is while a model is traced: a tensor of the graph, or numbers that are known already.
 *
 * ONNX computes shapes with tensors (Shape, Gather, Concat, Reshape). Shapes are static here, so that arithmetic has its result
 * while tracing: an operator whose inputs are all known is traced by itself and run at once by the reference kernels, which keeps one
 * definition of each operator.
 */

import {
  at,
  fromNumeric,
  type Graph,
  hostFrom,
  type NumericArray,
  opNamed,
  runNode,
  Tensor,
  toNumeric,
  trace,
} from '@omma/core';
import type { Stored } from './tensor.ts';

/** Numbers known while tracing. Integers may exceed 32 bits: ONNX says "to the end" with the largest 64-bit number. */
export type Known = Stored;

export type Value = Tensor | Known;

export function isKnown(value: Value): value is Known {
  return !(value instanceof Tensor);
}

const int32 = { least: -(2 ** 31), most: 2 ** 31 - 1 };

/** The value as a tensor. Integers become int32, where larger ones stop at the border. */
export function toTensor(value: Value): Tensor {
  if (!isKnown(value)) return value;
  const { shape, type, data } = value;
  if (type === 'integer') {
    const within = Int32Array.from(data, (x) => Math.min(Math.max(x, int32.least), int32.most));
    return hostTensorOf(within, shape, 'int32');
  }
  return type === 'bool'
    ? hostTensorOf(Uint8Array.from(data), shape, 'bool')
    : hostTensorOf(Float32Array.from(data), shape, 'float32');
}

function hostTensorOf(...args: Parameters<typeof hostFrom>): Tensor {
  const host = hostFrom(...args);
  return new Tensor(host, { kind: 'host', host });
}

export function knownIntegers(numbers: readonly number[], shape = [numbers.length]): Known {
  return { shape, type: 'integer', data: Float64Array.from(numbers) };
}

/** Results of the same operator at run time cost little; this bounds what tracing computes by itself. */
const maxElements = 1 << 20;

/**
 * What `compute` makes of known numbers, as known numbers; null when that is too much to compute here, or takes an op that has no
 * reference kernel of its own.
 */
export function computeNow(compute: () => readonly Value[]): readonly Known[] | null {
  const results: Value[] = [];
  const graph = trace(() => {
    results.push(...compute());
    return Object.fromEntries(results.flatMap((value, i) => (isKnown(value) ? [] : [[String(i), value]])));
  }, {});
  const numbers = interpret(graph);
  if (numbers === null) return null;
  const made = new Map(graph.outputs.map(({ name, value }) => [Number(name), value]));
  return results.map((value, i) => {
    const id = made.get(i);
    return id === undefined || isKnown(value) ? asKnown(value) : fromGraph(graph, id, at(numbers, id));
  });
}

function asKnown(value: Value): Known {
  if (isKnown(value)) return value;
  throw new Error('computeNow: a result is not an output of its graph');
}

function fromGraph(graph: Graph, id: number, data: NumericArray): Known {
  const { shape, dtype } = at(graph.values, id);
  if (dtype === 'bool') return { shape, type: 'bool', data: Float64Array.from(data) };
  return dtype === 'float32'
    ? { shape, type: 'float32', data: Float32Array.from(data) }
    : { shape, type: 'integer', data: Float64Array.from(data) };
}

/** The numbers of every value, by id; null when a node is too large or has no kernel. */
function interpret(graph: Graph): readonly NumericArray[] | null {
  const numbers: NumericArray[] = [];
  for (const node of graph.nodes) {
    const types = node.outputs.map((id) => at(graph.values, id));
    const size = types.reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
    if (opNamed(node.op).reference === undefined || size > maxElements) return null;
    const results = runNode(
      graph,
      node,
      node.inputs.map((id) => at(numbers, id)),
    );
    node.outputs.forEach((id, i) => {
      const { dtype } = at(types, i);
      numbers[id] = toNumeric(dtype, fromNumeric(dtype, at(results, i)));
    });
  }
  return numbers;
}
