/** The elementwise golden operators. */

import type { Tensor } from '@omma/core';
import * as omma from '@omma/core';
import type { Operator } from './operators.ts';

const unary =
  (of: (x: Tensor) => Tensor): Operator =>
  ({ input }) =>
    of(input('x'));
const binary =
  (of: (a: Tensor, b: Tensor) => Tensor): Operator =>
  ({ input }) =>
    of(input('a'), input('b'));

export const elementwiseOperators: Readonly<Record<string, Operator>> = {
  relu: unary(omma.relu),
  relu6: unary(omma.relu6),
  // The golden files' slope is 0.1, not PyTorch's default, where a case does not state it.
  leaky_relu: ({ input }, attrs) =>
    omma.leakyRelu(input('x'), attrs.number(attrs.named('slope', 'negative_slope', 'alpha'), 0.1)),
  elu: ({ input }, attrs) => omma.elu(input('x'), attrs.number('alpha', 1)),
  sigmoid: unary(omma.sigmoid),
  tanh: unary(omma.tanh),
  gelu: ({ input }, attrs) =>
    omma.gelu(input('x'), { approximate: attrs.choice('approximate', ['none', 'tanh'], 'none') }),
  gelu_tanh: unary((x) => omma.gelu(x, { approximate: 'tanh' })),
  silu: unary(omma.silu),
  mish: unary(omma.mish),
  hardswish: unary(omma.hardSwish),
  hardsigmoid: unary(omma.hardSigmoid),
  softplus: unary(omma.softplus),
  exp: unary(omma.exp),
  log: unary(omma.log),
  log1p: unary(omma.log1p),
  sqrt: unary(omma.sqrt),
  rsqrt: unary(omma.rsqrt),
  reciprocal: unary(omma.reciprocal),
  square: unary(omma.square),
  neg: unary(omma.neg),
  abs: unary(omma.abs),
  sign: unary(omma.sign),
  sin: unary(omma.sin),
  cos: unary(omma.cos),
  atan: unary(omma.atan),
  erf: unary(omma.erf),
  floor: unary(omma.floor),
  ceil: unary(omma.ceil),
  round: unary(omma.round),
  add: binary(omma.add),
  sub: binary(omma.sub),
  mul: binary(omma.mul),
  div: binary(omma.div),
  maximum: binary(omma.maximum),
  minimum: binary(omma.minimum),
  pow: ({ input, optional }, attrs) => {
    const [a, b] = [optional('a'), optional('b')];
    return a !== null && b !== null ? omma.pow(a, b) : omma.powScalar(input('x'), attrs.number('exponent'));
  },
  clamp: ({ input }, attrs) =>
    omma.clamp(input('x'), {
      min: attrs.number('min', Number.NEGATIVE_INFINITY),
      max: attrs.number('max', Number.POSITIVE_INFINITY),
    }),
  where: ({ input }) => omma.where(omma.greater(input('c'), 0), input('a'), input('b')),
};
