/**
 * Folds every batch norm into the convolution before it: with fixed statistics it is a scale and an offset per output channel, which
 * the convolution's own weight and bias can carry. Graph and weights change together.
 *
 * Runs first in the exporter. A batch norm that does not follow a convolution, or whose convolution is used elsewhere, stays.
 */

import {
  applyOp,
  at,
  currentBuilder,
  fromNumeric,
  type Graph,
  type HostTensor,
  hostTensor,
  type Node,
  opNamed,
  resultIds,
  rewrite,
  type Tensor,
  toNumeric,
  traced,
} from '@omma/core';
import { numberAttribute } from './attributes.ts';

export type Weights = ReadonlyMap<string, HostTensor>;

/** A convolution and the names of the state behind it and behind the batch norm that follows it. */
interface Pair {
  readonly norm: number;
  readonly weight: string;
  readonly bias: string | null;
  readonly parameters: readonly string[];
  readonly eps: number;
}

export function foldBatchNorm(graph: Graph, weights: Weights): { graph: Graph; weights: Weights } {
  const uses = countUses(graph);
  const pairs = findPairs(graph, uses);
  const norms = new Set([...pairs.values()].map((pair) => pair.norm));
  const folded = new Map(weights);
  const stateUses = new Map(graph.state.map((slot) => [slot.name, uses.get(slot.read) ?? 0]));

  const changed = rewrite(graph, (node, inputs, index) => {
    if (norms.has(index)) return [at(inputs, 0)];
    const pair = pairs.get(index);
    if (pair === undefined) return null;
    const { weight, bias } = foldedNumbers(weights, pair);
    const shared = (stateUses.get(pair.weight) ?? 0) > 1;
    const prefix = shared ? `${node.scope}.folded` : pair.weight.replace(/\.?weight$/, '');
    const weightName = shared ? `${prefix}.weight` : pair.weight;
    const biasName = pair.bias !== null && !shared ? pair.bias : `${prefix}.bias`;
    folded.set(weightName, weight);
    folded.set(biasName, bias);
    return applyOp(
      opNamed('conv2d'),
      [at(inputs, 0), state(weightName, weight), state(biasName, bias)],
      node.attrs,
    );
  });
  return { graph: changed, weights: folded };
}

function countUses(graph: Graph): Map<number, number> {
  const uses = new Map<number, number>();
  const count = (id: number) => uses.set(id, (uses.get(id) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(count);
  resultIds(graph).forEach(count);
  return uses;
}

/** Pairs by the index of their convolution. */
function findPairs(graph: Graph, uses: ReadonlyMap<number, number>): Map<number, Pair> {
  const stateNames = new Map(graph.state.map((slot) => [slot.read, slot.name]));
  const namesOf = (ids: readonly number[]): string[] | null => {
    const names = ids.flatMap((id) => stateNames.get(id) ?? []);
    return names.length === ids.length ? names : null;
  };
  const pairs = new Map<number, Pair>();
  graph.nodes.forEach((norm: Node, index) => {
    if (norm.op !== 'batchNorm') return;
    const [x = -1, ...rest] = norm.inputs;
    const producer = graph.values[x]?.producer ?? null;
    const convolution = producer === null ? undefined : graph.nodes[producer];
    if (producer === null || convolution?.op !== 'conv2d' || uses.get(x) !== 1) return;
    const own = namesOf(convolution.inputs.slice(1));
    const parameters = namesOf(rest);
    if (own === null || parameters === null) return;
    const [weight = '', bias = null] = own;
    pairs.set(producer, { norm: index, weight, bias, parameters, eps: numberAttribute(norm.attrs, 'eps') });
  });
  return pairs;
}

/** weight * scale and (bias - mean) * scale + offset, with scale = gamma / sqrt(variance + eps), one a channel. */
function foldedNumbers(weights: Weights, pair: Pair): { weight: HostTensor; bias: HostTensor } {
  const numbers = (name: string) => {
    const tensor = weights.get(name);
    if (tensor === undefined) throw new Error(`foldBatchNorm: no weight is called ${name}`);
    return { ...tensor, data: toNumeric(tensor.dtype, tensor.data) };
  };
  const kernel = numbers(pair.weight);
  const [gamma, beta, mean, variance] = pair.parameters.map((name) => numbers(name).data);
  if (gamma === undefined || beta === undefined || mean === undefined || variance === undefined) {
    throw new Error('foldBatchNorm: batchNorm expects four parameters');
  }
  const own = pair.bias === null ? null : numbers(pair.bias).data;
  const channels = at(kernel.shape, 0);
  const each = kernel.data.length / channels;
  const weight = new Float64Array(kernel.data.length);
  const bias = new Float64Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const scale = (gamma[channel] ?? 1) / Math.sqrt((variance[channel] ?? 1) + pair.eps);
    bias[channel] = ((own?.[channel] ?? 0) - (mean[channel] ?? 0)) * scale + (beta[channel] ?? 0);
    for (let i = channel * each; i < (channel + 1) * each; i++) weight[i] = (kernel.data[i] ?? 0) * scale;
  }
  const pack = (shape: readonly number[], data: Float64Array) =>
    hostTensor(shape, kernel.dtype, fromNumeric(kernel.dtype, data));
  return { weight: pack(kernel.shape, weight), bias: pack([channels], bias) };
}

/** The state of this name in the graph that is being written. */
function state(name: string, tensor: HostTensor): Tensor {
  const builder = currentBuilder();
  if (builder === null) throw new Error('foldBatchNorm: no graph is being written');
  return traced(builder, builder.readState(name, { shape: tensor.shape, dtype: tensor.dtype }));
}
