/**
 * 3x3 convolutions of stride 1, their input gradients and their weight gradients as Winograd convolutions.
 *
 * F(4x4, 3x3) does a quarter of the multiplications (see native/src/winograd), in float32 with about ten times the rounding error
 * of a direct sum, the same that GPU libraries accept for training. `OMMA_WINOGRAD=off` keeps the direct kernels. Runs after
 * `fuseConvolution`, whose relu and residual epilogues it keeps. The transformed weight is a node of its own: the planner computes it once
 * where the weight is not written, and right before its use where it is.
 */

import {
  type Attributes,
  at,
  type Graph,
  graphValue,
  type Node,
  sizeOf,
  type TensorType,
  type Value,
} from '@omma/core';
import { withNodes } from '../uses.ts';

/** Both channel counts must be multiples of the widest vector and worth the transforms. */
const channelUnit = 16;
const fewestChannels = 64;
/** With fewer tiles, reading the transformed weight, four times the weight's size, costs more than the saved arithmetic. */
const fewestTiles = 64;
/**
 * Tiles times both channel counts. Below it a convolution takes less than a few milliseconds either way, and keeps the digits of a
 * direct sum: 64 channels of two 56x56 pictures.
 */
const fewestProducts = 2 ** 21;
/** Floats of a transformed 3x3 kernel. */
const places = 36;
/** Floats between places. The addon knows its own layout and refuses a transformed weight that is too small for it. */
const padding = 16;

export function useWinograd(graph: Graph): Graph {
  if (process.env.OMMA_WINOGRAD === 'off') return graph;
  const values: Value[] = [...graph.values];
  const nodes: Node[] = [];
  const transformed = new Map<string, number>();
  const type = (id: number) => graphValue(graph, id);

  const transform = (weight: number, transposed: boolean, scope: string): number => {
    const key = `${weight}/${transposed}`;
    const known = transformed.get(key);
    if (known !== undefined) return known;
    const { shape } = type(weight);
    const id = values.length;
    const [k, c] = transposed ? [at(shape, 1), at(shape, 0)] : [at(shape, 0), at(shape, 1)];
    const columns = Math.ceil(k / (2 * channelUnit)) * 2 * channelUnit;
    values.push({ id, shape: [places * (c * columns + padding)], dtype: 'float32', producer: null });
    nodes.push({ op: 'winogradWeight', inputs: [weight], attrs: { transposed }, outputs: [id], scope });
    transformed.set(key, id);
    return id;
  };

  for (const node of graph.nodes) nodes.push(rewritten(node, type, transform) ?? node);
  return transformed.size === 0 && nodes.every((node, i) => node === graph.nodes[i])
    ? graph
    : withNodes({ ...graph, values }, nodes);
}

function rewritten(
  node: Node,
  type: (id: number) => TensorType,
  transform: (weight: number, transposed: boolean, scope: string) => number,
): Node | null {
  const { attrs, scope, outputs } = node;
  const kinds = ['conv2d', 'fusedConv2d', 'conv2dInputGrad', 'conv2dWeightGrad'];
  if (!kinds.includes(node.op)) return null;
  const first = at(node.inputs, 0);
  const second = at(node.inputs, 1);
  const output = at(outputs, 0);
  if (![first, second, output].every((id) => type(id).dtype === 'float32')) return null;
  const padding = paddingOf(attrs);
  switch (node.op) {
    case 'conv2dInputGrad': {
      if (!fits(attrs, type(second), type(output), type(first))) return null;
      const inputs = [first, transform(second, true, scope)];
      const turned = padding.map((pad) => 2 - pad);
      return { op: 'winogradConv2d', inputs, attrs: { ...plain, padding: turned }, outputs, scope };
    }
    case 'conv2dWeightGrad':
      if (!fits(attrs, type(output), type(first), type(second))) return null;
      return { op: 'winogradConv2dWeightGrad', inputs: node.inputs, attrs: { padding }, outputs, scope };
    default: {
      if (!fits(attrs, type(second), type(first), type(output))) return null;
      const activation = activationOf(attrs);
      if (activation !== 'none' && activation !== 'relu') return null;
      const fused = node.op === 'fusedConv2d';
      const bias = fused ? attrs.bias === true : node.inputs.length > 2;
      const residual = fused && attrs.residual === true;
      const inputs = [first, transform(second, false, scope), ...node.inputs.slice(2)];
      return {
        op: 'winogradConv2d',
        inputs,
        attrs: { padding, bias, residual, relu: activation === 'relu' },
        outputs,
        scope,
      };
    }
  }
}

const plain: Attributes = { bias: false, residual: false, relu: false };

function fits(attrs: Attributes, weight: TensorType, x: TensorType, y: TensorType): boolean {
  const [k, c, kernelHeight, kernelWidth] = weight.shape;
  if (k === undefined || c === undefined || kernelHeight !== 3 || kernelWidth !== 3) return false;
  if (attrs.groups !== 1 || !allEqual(attrs.stride, 1) || !allEqual(attrs.dilation, 1)) return false;
  if (paddingOf(attrs).some((pad) => pad > 2)) return false;
  if (Math.min(k, c) < fewestChannels || k % channelUnit !== 0 || c % channelUnit !== 0) return false;
  const tiles = at(y.shape, 0) * Math.ceil(at(y.shape, 2) / 4) * Math.ceil(at(y.shape, 3) / 4);
  return tiles >= fewestTiles && tiles * k * c >= fewestProducts && sizeOf(x.shape) > 0;
}

function paddingOf(attrs: Attributes): number[] {
  return Array.isArray(attrs.padding) ? attrs.padding.map(Number) : [];
}

function allEqual(attribute: Attributes[string] | undefined, expected: number): boolean {
  return Array.isArray(attribute) && attribute.every((value) => value === expected);
}

/** Name of the activation fused into a convolution; `none` where there is none. */
function activationOf(attrs: Attributes): string {
  const { activation } = attrs;
  if (typeof activation !== 'object' || !('op' in activation)) return 'none';
  return String(activation.op);
}
