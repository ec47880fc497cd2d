/** Convolutions, matrix products, normalisation. */

import {
  add,
  at,
  conv2d,
  convTranspose2d,
  expand,
  groupNorm,
  instanceNorm,
  layerNorm,
  matmul,
  mul,
  reshape,
  type Tensor,
  transpose,
} from '@omma/core';
import type { Importer, NodeContext } from '../context.ts';
import { planar, planarPads, planarPair, windowPads } from './geometry.ts';

const convolution: Importer = (node) => {
  const x = planar(node, node.tensor(0));
  const weight = node.tensor(1);
  const kernel = [weight.dim(2), weight.dim(3)];
  const stride = planarPair(node, 'strides', [1, 1]);
  const dilation = planarPair(node, 'dilations', [1, 1]);
  return conv2d(x, weight, node.optionalTensor(2), {
    stride,
    dilation,
    groups: node.number('group', 1),
    padding: windowPads(node, x, { kernel, stride, dilation }),
  });
};

const transposedConvolution: Importer = (node) => {
  const x = planar(node, node.tensor(0));
  const weight = node.tensor(1);
  node.refuse('auto_pad', 'NOTSET');
  const stride = planarPair(node, 'strides', [1, 1]);
  const dilation = planarPair(node, 'dilations', [1, 1]);
  const asked = node.list('output_shape')?.slice(-2);
  if (asked !== undefined && node.list('pads') === null)
    return node.fail('output_shape without pads cannot be imported; write pads and output_padding');
  return convTranspose2d(x, weight, node.optionalTensor(2), {
    stride,
    dilation,
    groups: node.number('group', 1),
    padding: planarPads(node),
    outputPadding: planarPair(node, 'output_padding', [0, 0]),
  });
};

/** alpha * A B + beta * C, either matrix transposed on request. */
const gemm: Importer = (node) => {
  const side = (index: number, flag: string) => {
    const matrix = node.tensor(index);
    return node.number(flag, 0) === 1 ? transpose(matrix) : matrix;
  };
  const scaled = (x: Tensor, factor: number) => (factor === 1 ? x : mul(x, factor));
  const product = scaled(matmul(side(0, 'transA'), side(1, 'transB')), node.number('alpha', 1));
  const c = node.optionalTensor(2);
  return c === null ? product : add(product, scaled(c, node.number('beta', 1)));
};

/** A vector is a row on the left and a column on the right; the axis that this adds goes again. */
const product: Importer = (node) => {
  const [a, b] = [node.tensor(0), node.tensor(1)];
  const left = a.rank === 1 ? reshape(a, [1, a.size]) : a;
  const right = b.rank === 1 ? reshape(b, [b.size, 1]) : b;
  const full = matmul(left, right);
  const shape = full.shape.filter(
    (_, axis) => !(a.rank === 1 && axis === full.rank - 2) && !(b.rank === 1 && axis === full.rank - 1),
  );
  return a.rank === 1 || b.rank === 1 ? reshape(full, shape) : full;
};

const eps = (node: NodeContext) => node.number('epsilon', 1e-5);

const layerNormalization: Importer = (node) => {
  const x = node.tensor(0);
  const weight = node.tensor(1);
  const axis = node.number('axis', -1);
  const normalised = x.shape.slice(axis < 0 ? axis + x.rank : axis);
  const bias = node.optionalTensor(2) ?? mul(weight, 0);
  return layerNorm(x, reshape(weight, normalised), reshape(bias, normalised), { eps: eps(node) });
};

/** Up to opset 20 scale and bias are one a group; they spread over the group's channels. */
const groupNormalization: Importer = (node) => {
  const x = node.tensor(0);
  const groups = node.number('num_groups', 1);
  const perChannel = (vector: Tensor) => {
    const each = at(x.shape, 1) / vector.size;
    if (each === 1) return vector;
    return reshape(expand(reshape(vector, [vector.size, 1]), [vector.size, each]), [at(x.shape, 1)]);
  };
  return groupNorm(x, perChannel(node.tensor(1)), perChannel(node.tensor(2)), { groups, eps: eps(node) });
};

export const contractions: Readonly<Record<string, Importer>> = {
  BatchNormalization: (node) => node.model.batchNorm(node, node.tensor(0)),
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Dropout: (node) => node.model.dropout(node, node.tensor(0)),
  Gemm: gemm,
  GroupNormalization: groupNormalization,
  InstanceNormalization: (node) =>
    instanceNorm(node.tensor(0), node.tensor(1), node.tensor(2), { eps: eps(node) }),
  LayerNormalization: layerNormalization,
  MatMul: product,
};
