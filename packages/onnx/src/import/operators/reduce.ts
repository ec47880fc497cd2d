/** Reductions, softmax, positions and orders along axes. */

import {
  abs,
  argMax,
  argMin,
  cumSum,
  flip,
  log,
  logSoftmax,
  logSumExp,
  max,
  mean,
  min,
  normalizeAxis,
  prod,
  type ReductionOptions,
  reshape,
  softmax,
  sqrt,
  square,
  squeeze,
  sub,
  sum,
  type Tensor,
  topK,
} from '@omma/core';
import type { Importer, NodeContext } from '../context.ts';

/** Axes are an attribute, or an input from the opset at which the operator changed: 13 for ReduceSum, 18 for the others. */
function reduced(fn: (x: Tensor, options: ReductionOptions) => Tensor, inputSince = 18): Importer {
  return (node) => {
    const x = node.tensor(0);
    const given = node.opset >= inputSince ? node.optionalNumbers(1, 'axes') : node.list('axes');
    const axes = given === null || given.length === 0 ? null : given;
    if (axes === null && node.number('noop_with_empty_axes', 0) === 1) return x;
    const keepDims = node.number('keepdims', 1) === 1;
    return fn(x, axes === null ? { keepDims } : { axes, keepDims });
  };
}

/** Before opset 13 everything from `axis` on is one axis. */
function overAxis(fn: (x: Tensor, axis: number) => Tensor): Importer {
  return (node) => {
    const x = node.tensor(0);
    if (node.opset >= 13) return fn(x, node.number('axis', -1));
    const axis = normalizeAxis(node.node.type, node.number('axis', 1), x.rank);
    const rows = x.shape.slice(0, axis).reduce((a, b) => a * b, 1);
    return reshape(fn(reshape(x, [rows, -1]), 1), x.shape);
  };
}

function position(node: NodeContext, find: typeof argMax): Tensor {
  const x = node.tensor(0);
  const axis = normalizeAxis(node.node.type, node.number('axis', 0), x.rank);
  const last = node.number('select_last_index', 0) === 1;
  const found = find(last ? flip(x, [axis]) : x, { axis, keepDims: true });
  const index = last ? sub(x.dim(axis) - 1, found) : found;
  return node.number('keepdims', 1) === 1 ? index : squeeze(index, axis);
}

const largest: Importer = (node) => {
  const x = node.tensor(0);
  const k = node.opset < 10 ? node.number('k', 1) : (node.numbers(1, 'k')[0] ?? 1);
  const axis = normalizeAxis('TopK', node.number('axis', -1), x.rank);
  const { values, indices } = topK(x, { k, axis, largest: node.number('largest', 1) === 1 });
  return [values, indices];
};

export const reductions: Readonly<Record<string, Importer>> = {
  ArgMax: (node) => position(node, argMax),
  ArgMin: (node) => position(node, argMin),
  CumSum: (node) =>
    cumSum(node.tensor(0), {
      axis: node.numbers(1, 'axis')[0] ?? 0,
      reverse: node.number('reverse', 0) === 1,
      exclusive: node.number('exclusive', 0) === 1,
    }),
  LogSoftmax: overAxis(logSoftmax),
  ReduceL1: reduced((x, options) => sum(abs(x), options)),
  ReduceL2: reduced((x, options) => sqrt(sum(square(x), options))),
  ReduceLogSum: reduced((x, options) => log(sum(x, options))),
  ReduceLogSumExp: reduced(logSumExp),
  ReduceMax: reduced(max),
  ReduceMean: reduced(mean),
  ReduceMin: reduced(min),
  ReduceProd: reduced(prod),
  ReduceSum: reduced(sum, 13),
  ReduceSumSquare: reduced((x, options) => sum(square(x), options)),
  Softmax: overAxis(softmax),
  TopK: largest,
};
