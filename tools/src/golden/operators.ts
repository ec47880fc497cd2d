/**
 * What each golden operator is called here: from PyTorch's name, inputs and attributes to our public functions.
 *
 * Options that a case leaves out have PyTorch's defaults.
 */

import * as omma from '@omma/core';
import { at, type Tensor } from '@omma/core';
import { type CaseAttributes, reductions } from './attributes.ts';
import { asArray } from './json.ts';
import { elementwiseOperators } from './operatorsElementwise.ts';
import { visionOperators } from './operatorsVision.ts';

/** The tensors of one case: made by `fill` (in order, or by name), and literal ones. */
export interface CaseTensors {
  readonly all: readonly Tensor[];
  input(name: string): Tensor;
  /** The input called `name`, or null. */
  optional(name: string): Tensor | null;
  /** A literal input as int32, or as float32. */
  integers(name: string): Tensor;
  floats(name: string): Tensor;
}

export interface OperatorResult {
  /** In the file's order. */
  readonly outputs: readonly Tensor[];
  /** How many of them, from the first, count in the gradient; all unless given. */
  readonly differentiable?: number;
  /** The outputs fill a fixed number of places: -1 follows what the file has. */
  readonly padded?: boolean;
}

export type Operator = (
  tensors: CaseTensors,
  attrs: CaseAttributes,
) => Tensor | readonly Tensor[] | OperatorResult;

const convolution = (attrs: CaseAttributes) => ({
  stride: attrs.pair('stride', 1),
  padding: attrs.pair('padding', 0),
  dilation: attrs.pair('dilation', 1),
  groups: attrs.number('groups', 1),
});

const reductionOptions = (attrs: CaseAttributes) => {
  const axes = attrs.list(attrs.named('axes', 'axis', 'dim'));
  const keepDims = attrs.flag(attrs.named('keepdims', 'keepdim'), false);
  return axes === undefined ? { keepDims } : { axes, keepDims };
};

const reduction = (attrs: CaseAttributes) => {
  return { reduction: attrs.choice('reduction', reductions, 'mean') };
};

const axisOf = (attrs: CaseAttributes, fallback?: number) =>
  attrs.number(attrs.named('axis', 'dim'), fallback);

/** The golden files' variance is the biased one unless a case says otherwise. */
const correction = (attrs: CaseAttributes) =>
  attrs.number('correction', attrs.flag('unbiased', false) ? 1 : 0);

const maxPool: Operator = ({ input }, attrs) => {
  const kernel = attrs.pair('kernel', []);
  return omma.maxPool2d(input('x'), {
    kernel,
    stride: attrs.pair('stride', kernel),
    padding: attrs.pair('padding', 0),
    dilation: attrs.pair('dilation', 1),
    ceilMode: attrs.flag('ceil', false),
  });
};

const avgPool: Operator = ({ input }, attrs) => {
  const kernel = attrs.pair('kernel', []);
  return omma.avgPool2d(input('x'), {
    kernel,
    stride: attrs.pair('stride', kernel),
    padding: attrs.pair('padding', 0),
    ceilMode: attrs.flag('ceil', false),
    countIncludePad: attrs.flag('include_pad', true),
  });
};

const batchNormRunning: Operator = ({ input }, attrs) => {
  const x = input('x');
  const momentum = attrs.number('momentum', 0.1);
  const { y, mean, variance } = omma.batchNormTrain(x, input('w'), input('b'), {
    eps: attrs.number('eps', 1e-5),
  });
  const count = x.size / x.dim(1);
  const moved = (old: Tensor, batch: Tensor, scale: number) =>
    omma.add(omma.mul(old, 1 - momentum), omma.mul(batch, momentum * scale));
  return {
    outputs: [y, moved(input('rm'), mean, 1), moved(input('rv'), variance, count / (count - 1))],
    differentiable: 1,
  };
};

const padOptions = (attrs: CaseAttributes) => {
  const { data } = asArray(attrs.nested('pads'), 'pads');
  return Array.from({ length: data.length / 2 }, (_, i): [number, number] => [
    at(data, 2 * i),
    at(data, 2 * i + 1),
  ]);
};

const networkOperators: Readonly<Record<string, Operator>> = {
  conv2d: ({ input, optional }, attrs) =>
    omma.conv2d(input('x'), input('w'), optional('b'), convolution(attrs)),
  conv_transpose2d: ({ input, optional }, attrs) =>
    omma.convTranspose2d(input('x'), input('w'), optional('b'), {
      ...convolution(attrs),
      outputPadding: attrs.pair('output_padding', 0),
    }),
  linear: ({ input, optional }) => omma.linear(input('x'), input('w'), optional('b')),
  matmul: ({ input }) => omma.matmul(input('a'), input('b')),
  attention: ({ input }, attrs) => {
    const q = input('q');
    return omma.attention(q, input('k'), input('v'), {
      scale: attrs.number('scale', 1 / Math.sqrt(q.dim(-1))),
    });
  },
  batch_norm_train: ({ input }, attrs) =>
    omma.batchNormTrain(input('x'), input('w'), input('b'), { eps: attrs.number('eps', 1e-5) }).y,
  batch_norm_running: batchNormRunning,
  batch_norm_eval: ({ input }, attrs) =>
    omma.batchNorm(input('x'), input('w'), input('b'), input('rm'), input('rv'), {
      eps: attrs.number('eps', 1e-5),
    }),
  group_norm: ({ input }, attrs) =>
    omma.groupNorm(input('x'), input('w'), input('b'), {
      groups: attrs.number('groups'),
      eps: attrs.number('eps', 1e-5),
    }),
  layer_norm: ({ input }, attrs) =>
    omma.layerNorm(input('x'), input('w'), input('b'), { eps: attrs.number('eps', 1e-5) }),
  instance_norm: ({ input }, attrs) =>
    omma.instanceNorm(input('x'), input('w'), input('b'), { eps: attrs.number('eps', 1e-5) }),
  l2_normalize: ({ input }, attrs) =>
    omma.l2Normalize(input('x'), { axis: axisOf(attrs, 1), eps: attrs.number('eps', 1e-12) }),
  max_pool2d: maxPool,
  avg_pool2d: avgPool,
  global_avg_pool: ({ input }) => omma.globalAvgPool(input('x')),
  adaptive_avg_pool2d: ({ input }, attrs) => omma.adaptiveAvgPool2d(input('x'), attrs.pair('output', [])),
  unfold: ({ input }, attrs) => {
    const { groups: _, ...window } = convolution(attrs);
    return omma.unfold(input('x'), { ...window, kernel: attrs.pair('kernel', []) });
  },
  resize: ({ input }, attrs) =>
    omma.resize(input('x'), {
      size: attrs.pair('size', []),
      mode: attrs.choice('mode', ['nearest', 'bilinear', 'bicubic'], 'nearest'),
      alignCorners: attrs.flag('align_corners', false),
    }),
  cross_entropy: ({ input, integers }, attrs) =>
    omma.crossEntropy(input('x'), integers('t'), {
      labelSmoothing: attrs.number('label_smoothing', 0),
      ignoreIndex: attrs.number('ignore_index', -100),
      ...reduction(attrs),
    }),
  bce_with_logits: ({ input }, attrs) => omma.bceWithLogits(input('x'), input('t'), reduction(attrs)),
  smooth_l1: ({ input }, attrs) =>
    omma.smoothL1(input('x'), input('t'), { beta: attrs.number('beta', 1), ...reduction(attrs) }),
  mse: ({ input }, attrs) => omma.mse(input('x'), input('t'), reduction(attrs)),
  l1: ({ input }, attrs) => omma.l1(input('x'), input('t'), reduction(attrs)),
};

const reductionOperators: Readonly<Record<string, Operator>> = {
  sum: ({ input }, attrs) => omma.sum(input('x'), reductionOptions(attrs)),
  mean: ({ input }, attrs) => omma.mean(input('x'), reductionOptions(attrs)),
  max: ({ input }, attrs) => omma.max(input('x'), reductionOptions(attrs)),
  min: ({ input }, attrs) => omma.min(input('x'), reductionOptions(attrs)),
  prod: ({ input }, attrs) => omma.prod(input('x'), reductionOptions(attrs)),
  logsumexp: ({ input }, attrs) => omma.logSumExp(input('x'), reductionOptions(attrs)),
  var: ({ input }, attrs) =>
    omma.variance(input('x'), { ...reductionOptions(attrs), correction: correction(attrs) }),
  argmax: ({ input }, attrs) =>
    omma.argMax(input('x'), { axis: axisOf(attrs), keepDims: attrs.flag('keepdims', false) }),
  argmin: ({ input }, attrs) =>
    omma.argMin(input('x'), { axis: axisOf(attrs), keepDims: attrs.flag('keepdims', false) }),
  cumsum: ({ input }, attrs) => omma.cumSum(input('x'), { axis: axisOf(attrs) }),
  softmax: ({ input }, attrs) => omma.softmax(input('x'), axisOf(attrs)),
  log_softmax: ({ input }, attrs) => omma.logSoftmax(input('x'), axisOf(attrs)),
};

const viewOperators: Readonly<Record<string, Operator>> = {
  reshape: ({ input }, attrs) => omma.reshape(input('x'), attrs.numbers('shape')),
  transpose: ({ input }, attrs) => {
    const x = input('x');
    return omma.transpose(
      x,
      attrs.numbers('axes').map((axis) => (axis < 0 ? axis + x.rank : axis)),
    );
  },
  concat: ({ all }, attrs) => omma.concat(all, axisOf(attrs, 0)),
  stack: ({ all }, attrs) => omma.stack(all, axisOf(attrs, 0)),
  slice: ({ input }, attrs) => {
    const [steps, axes] = [attrs.list('steps'), attrs.list('axes')];
    return omma.slice(input('x'), {
      starts: attrs.numbers('starts'),
      ends: attrs.numbers('ends'),
      ...(steps === undefined ? {} : { steps }),
      ...(axes === undefined ? {} : { axes }),
    });
  },
  split: ({ input }, attrs) => omma.split(input('x'), attrs.numbers('sizes'), axisOf(attrs, 0)),
  pad: ({ input }, attrs) =>
    omma.pad(input('x'), { pads: padOptions(attrs), value: attrs.number('value', 0) }),
  pad_reflect: ({ input }, attrs) => omma.pad(input('x'), { pads: padOptions(attrs), mode: 'reflect' }),
  expand: ({ input }, attrs) => {
    const x = input('x');
    const target = attrs.numbers('shape');
    const kept = target.map((extent, i) => (extent === -1 ? x.dim(i - target.length) : extent));
    return omma.expand(x, kept);
  },
  flip: ({ input }, attrs) => omma.flip(input('x'), attrs.list('axes') ?? []),
  tile: ({ input }, attrs) => {
    const x = input('x');
    const repeats = [...attrs.numbers('repeats')];
    while (repeats.length < x.rank) repeats.unshift(1);
    const missing = new Array<number>(repeats.length - x.rank).fill(1);
    return omma.tile(missing.length === 0 ? x : omma.reshape(x, [...missing, ...x.shape]), repeats);
  },
  roll: ({ input }, attrs) => omma.roll(input('x'), attrs.list('shifts') ?? [], attrs.list('axes') ?? []),
  pixel_shuffle: ({ input }, attrs) => omma.pixelShuffle(input('x'), attrs.number('factor')),
};

const indexOperators: Readonly<Record<string, Operator>> = {
  index_select: ({ input, integers }, attrs) => omma.indexSelect(input('x'), integers('i'), axisOf(attrs, 0)),
  gather: ({ input, integers }, attrs) => omma.gather(input('x'), integers('i'), axisOf(attrs)),
  scatter_add: ({ input, integers }, attrs) =>
    omma.scatterAdd(input('x'), integers('i'), input('u'), axisOf(attrs)),
  one_hot: ({ integers }, attrs) => omma.oneHot(integers('i'), attrs.number('depth')),
  embedding: ({ input, integers }) => omma.embedding(input('w'), integers('i')),
  topk: ({ input }, attrs) => {
    const { values, indices } = omma.topK(input('x'), {
      k: attrs.number('k'),
      axis: axisOf(attrs, -1),
      largest: attrs.flag('largest', true),
    });
    attrs.flag('sorted', true);
    return [values, indices];
  },
  sort: ({ input }, attrs) => {
    const { values, indices } = omma.sort(input('x'), {
      axis: axisOf(attrs, -1),
      descending: attrs.flag('descending', false),
    });
    return [values, indices];
  },
};

/** All operators of the golden format, by the file's names. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  Object.entries({
    ...elementwiseOperators,
    ...networkOperators,
    ...reductionOperators,
    ...viewOperators,
    ...indexOperators,
    ...visionOperators,
  }),
);
