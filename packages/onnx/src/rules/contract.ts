/** Rules of matrix products. */

import { at } from '@omma/core';
import { flagAttribute } from '../attributes.ts';
import { defineRule, type RuleContext, type RuleInput } from '../rule.ts';

defineRule('matmul', (context) => {
  const [a, b] = [context.input(0), context.input(1)];
  const left = flagAttribute(context.attrs, 'transposeA') ? transposed(context, a) : a.name;
  const right = flagAttribute(context.attrs, 'transposeB') ? transposed(context, b) : b.name;
  return context.emit('MatMul', [left, right]);
});

defineRule('linear', (context) => {
  const [x, weight] = [context.input(0), context.input(1)];
  const bias = context.inputs[2];
  if (x.shape.length === 2) return context.emit('Gemm', context.names, { transB: 1 });
  const product = context.emit('MatMul', [x.name, transposed(context, weight)]);
  return bias === undefined ? product : context.emit('Add', [product, bias.name]);
});

/** The input with its last two axes exchanged. */
function transposed(context: RuleContext, input: RuleInput): string {
  const axes = input.shape.map((_, axis) => axis);
  const perm = [...axes.slice(0, -2), at(axes, axes.length - 1), at(axes, axes.length - 2)];
  return context.emit('Transpose', [input.name], { perm });
}
