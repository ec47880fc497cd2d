/** Operators that work on single elements, with broadcasting. */

import {
  abs,
  add,
  atan,
  cast,
  ceil,
  clamp,
  cos,
  div,
  elu,
  equal,
  erf,
  exp,
  floor,
  gelu,
  greater,
  greaterEqual,
  hardSwish,
  isFloat,
  leakyRelu,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  maximum,
  minimum,
  mish,
  mul,
  neg,
  notEqual,
  pow,
  reciprocal,
  relu,
  round,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  sub,
  type Tensor,
  tanh,
  where,
} from '@omma/core';
import type { Importer, NodeContext } from '../context.ts';
import { toTensor } from '../value.ts';

const unary =
  (fn: (x: Tensor) => Tensor): Importer =>
  (node) =>
    fn(node.tensor(0));

const binary =
  (fn: (a: Tensor, b: Tensor) => Tensor): Importer =>
  (node) =>
    fn(node.tensor(0), node.tensor(1));

/** Operators of any number of inputs: Max, Min, Sum. */
const folded = (node: NodeContext, fn: (a: Tensor, b: Tensor) => Tensor): Tensor =>
  node.values.map(toTensor).reduce((a, b) => fn(a, b));

/** Limits are attributes up to opset 10 and inputs from 11 on. */
const clip: Importer = (node) => {
  const limit = (index: number, name: 'min' | 'max', otherwise: number) => {
    if (node.opset < 11) return node.number(name, otherwise);
    return node.optionalNumbers(index, name)?.[0] ?? otherwise;
  };
  const min = limit(1, 'min', Number.NEGATIVE_INFINITY);
  const max = limit(2, 'max', Number.POSITIVE_INFINITY);
  return clamp(node.tensor(0), { min, max });
};

/** The slope broadcasts from the right, as NumPy does: one a channel is stored as [C, 1, 1]. */
const prelu: Importer = (node) => {
  const x = node.tensor(0);
  return where(greater(x, 0), x, mul(x, node.tensor(1)));
};

const castTo: Importer = (node) => {
  const to = castTypes.get(node.number('to', 0));
  if (to === undefined) return node.fail(`element type ${node.number('to', 0)} is not supported`);
  const x = node.tensor(0);
  // Every float is float32 here, so a cast among floats changes nothing.
  return isFloat(x.dtype) && to === 'float32' ? x : cast(x, to);
};

const castTypes = new Map<number, 'float32' | 'int32' | 'bool'>([
  ...[1, 10, 11, 16].map((float) => [float, 'float32'] as const),
  ...[2, 3, 4, 5, 6, 7, 12, 13].map((integer) => [integer, 'int32'] as const),
  [9, 'bool'],
]);

const hardSigmoid: Importer = (node) => {
  const line = add(mul(node.tensor(0), node.number('alpha', 0.2)), node.number('beta', 0.5));
  return clamp(line, { min: 0, max: 1 });
};

const selu: Importer = (node) =>
  mul(
    elu(node.tensor(0), node.number('alpha', 1.6732631921768188)),
    node.number('gamma', 1.0507010221481323),
  );

/** Up to opset 6 `b` may be aligned at `axis`; from 7 on broadcasting is NumPy's. */
export const elementwise: Readonly<Record<string, Importer>> = {
  Abs: unary(abs),
  Add: binary(add),
  And: binary(logicalAnd),
  Atan: unary(atan),
  Cast: castTo,
  Ceil: unary(ceil),
  Clip: clip,
  Cos: unary(cos),
  Div: binary(div),
  Elu: (node) => elu(node.tensor(0), node.number('alpha', 1)),
  Equal: binary(equal),
  Erf: unary(erf),
  Exp: unary(exp),
  Floor: unary(floor),
  Gelu: (node) =>
    gelu(node.tensor(0), { approximate: node.text('approximate', 'none') === 'tanh' ? 'tanh' : 'none' }),
  Greater: binary(greater),
  GreaterOrEqual: binary(greaterEqual),
  HardSigmoid: hardSigmoid,
  HardSwish: unary(hardSwish),
  Identity: (node) => node.value(0),
  LeakyRelu: (node) => leakyRelu(node.tensor(0), node.number('alpha', 0.01)),
  Less: binary(less),
  LessOrEqual: binary(lessEqual),
  Log: unary(log),
  Max: (node) => folded(node, maximum),
  Mean: (node) => div(folded(node, add), node.values.length),
  Min: (node) => folded(node, minimum),
  Mish: unary(mish),
  Mul: binary(mul),
  Neg: unary(neg),
  Not: unary(logicalNot),
  Or: binary(logicalOr),
  PRelu: prelu,
  Pow: (node) => pow(node.tensor(0), cast(node.tensor(1), node.tensor(0).dtype)),
  Reciprocal: unary(reciprocal),
  Relu: unary(relu),
  Round: unary(round),
  Selu: selu,
  Sigmoid: unary(sigmoid),
  Sign: unary(sign),
  Sin: unary(sin),
  Softplus: unary(softplus),
  Softsign: (node) => div(node.tensor(0), add(abs(node.tensor(0)), 1)),
  Sqrt: unary(sqrt),
  Sub: binary(sub),
  Sum: (node) => folded(node, add),
  Tanh: unary(tanh),
  Where: (node) => where(node.tensor(0), node.tensor(1), node.tensor(2)),
  Xor: binary(notEqual),
};
