/** Other forms of arithmetic: whole-number division, and the arc tangent, which Huawei's parser does not have. */

import type { FormContext } from '../formContext.ts';
import { defineForm } from '../forms.ts';

// A quotient of whole numbers, cut towards zero, is that of floats: exact as long as both are below 2^24. Nothing is left to how a
// cast to integers rounds.
defineForm('Div', (context) => {
  const [a, b] = [context.name(0), context.name(1)];
  const element = context.element(a);
  if (element !== 'int32' && element !== 'int64') return null;
  const quotient = context.emit('Div', [context.cast(a, 'float32'), context.cast(b, 'float32')]);
  const size = context.emit('Floor', [context.emit('Abs', [quotient])]);
  return context.cast(context.emit('Mul', [context.emit('Sign', [quotient]), size]), element);
});

// atan(x) for x >= 0: above 1 it is pi/2 - atan(1/x); then atan(z) = 2 atan(t) with t = z / (1 + sqrt(1 + z^2)) <= tan(pi/8), where
// eight terms of the series leave an error below 2e-8.
defineForm('Atan', (context) => {
  const x = context.name(0);
  const number = (value: number) => context.scalar(value, x);
  const size = context.emit('Abs', [x]);
  const beyond = context.emit('Greater', [size, number(1)]);
  const inverse = context.emit('Reciprocal', [context.emit('Max', [size, number(1)])]);
  const z = context.emit('Where', [beyond, inverse, size]);
  const root = context.emit('Sqrt', [context.emit('Add', [context.emit('Mul', [z, z]), number(1)])]);
  const t = context.emit('Div', [z, context.emit('Add', [root, number(1)])]);
  const doubled = context.emit('Mul', [arcTangentSeries(context, t), number(2)]);
  const complement = context.emit('Sub', [number(Math.PI / 2), doubled]);
  const positive = context.emit('Where', [beyond, complement, doubled]);
  const negative = context.emit('Less', [x, number(0)]);
  return context.emit('Where', [negative, context.emit('Neg', [positive]), positive]);
});

/** t - t^3/3 + t^5/5 - ... + t^15/15, by Horner's rule. */
function arcTangentSeries(context: FormContext, t: string): string {
  const square = context.emit('Mul', [t, t]);
  let sum = context.scalar(-1 / 15, t);
  for (let odd = 13; odd >= 1; odd -= 2) {
    const coefficient = (odd % 4 === 1 ? 1 : -1) / odd;
    sum = context.emit('Add', [context.emit('Mul', [sum, square]), context.scalar(coefficient, t)]);
  }
  return context.emit('Mul', [sum, t]);
}
