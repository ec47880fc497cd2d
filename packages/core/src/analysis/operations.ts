/**
 * How many operations an op costs, after the convention of fvcore and MMEngine: one multiply-add is one FLOP (what others call a MAC); convolutions,
 * matrix products, norms, resizing and global pooling count; activations, additions, other pooling and whatever only moves elements cost nothing.
 */

import type { Attributes, TensorType } from '../graph/graph.ts';
import { at } from '../list.ts';
import { type Shape, sizeOf } from '../shape.ts';

/** A node as a rule sees it. */
export interface CountedNode {
  readonly inputs: readonly TensorType[];
  readonly outputs: readonly TensorType[];
  readonly attrs: Attributes;
}

export interface OperationRule {
  /** Operations of a node. */
  flops(node: CountedNode): number;
  /** True where the outputs count as activations: those of convolutions and matrix products. */
  readonly activations?: boolean;
}

const elements = (types: readonly TensorType[], index = 0) => sizeOf(at(types, index).shape);
/** Multiply-adds of one output channel at one place: those of a weight [out, in / groups, height, width]. */
const taps = (weight: Shape) => sizeOf(weight.slice(1));

/** An operation for the mean, variance, difference and quotient of each element, and one for scale and shift. */
const norm: OperationRule = {
  flops: ({ inputs }) => elements(inputs) * (inputs.length > 1 ? 5 : 4),
};

/** Four neighbours an output element, sixteen with bicubic weights. */
const perOutput: Readonly<Record<string, number>> = { nearest: 1, bilinear: 4, bicubic: 16 };

/** By the name of the op. */
export const operationRules: Readonly<Record<string, OperationRule>> = {
  conv2d: {
    flops: ({ inputs, outputs }) => elements(outputs) * taps(at(inputs, 1).shape),
    activations: true,
  },
  convTranspose2d: {
    flops: ({ inputs }) => elements(inputs) * taps(at(inputs, 1).shape),
    activations: true,
  },
  conv2dInputGrad: { flops: ({ inputs }) => elements(inputs) * taps(at(inputs, 1).shape) },
  conv2dWeightGrad: { flops: ({ inputs, outputs }) => elements(inputs, 1) * taps(at(outputs, 0).shape) },
  linear: {
    flops: ({ inputs, outputs }) => elements(outputs) * at(at(inputs, 1).shape, 1),
    activations: true,
  },
  matmul: {
    flops: ({ inputs, outputs, attrs }) => {
      const { shape } = at(inputs, 0);
      return elements(outputs) * (shape.at(attrs.transposeA === true ? -2 : -1) ?? 1);
    },
    activations: true,
  },
  batchNorm: { flops: ({ inputs }) => elements(inputs) * 2 },
  batchNormTrain: norm,
  layerNorm: norm,
  groupNorm: norm,
  instanceNorm: norm,
  resize: { flops: ({ outputs, attrs }) => elements(outputs) * (perOutput[String(attrs.mode)] ?? 1) },
  gridSample: { flops: ({ outputs }) => elements(outputs) * 4 },
  globalAvgPool: { flops: ({ inputs }) => elements(inputs) },
  adaptiveAvgPool2d: { flops: ({ inputs }) => elements(inputs) },
};
