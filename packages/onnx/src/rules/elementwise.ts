/** Rules of the elementwise ops: mostly one ONNX operator each; broadcasting is the same on both sides. */

import { numberAttribute, textAttribute } from '../attributes.ts';
import { defineRule, type RuleContext } from '../rule.ts';

/** Ops that ONNX has under another spelling. */
const direct: Readonly<Record<string, string>> = {
  neg: 'Neg',
  abs: 'Abs',
  sign: 'Sign',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  reciprocal: 'Reciprocal',
  sin: 'Sin',
  cos: 'Cos',
  atan: 'Atan',
  tanh: 'Tanh',
  erf: 'Erf',
  floor: 'Floor',
  ceil: 'Ceil',
  round: 'Round',
  sigmoid: 'Sigmoid',
  relu: 'Relu',
  softplus: 'Softplus',
  logicalNot: 'Not',
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  maximum: 'Max',
  minimum: 'Min',
  pow: 'Pow',
  equal: 'Equal',
  less: 'Less',
  lessEqual: 'LessOrEqual',
  greater: 'Greater',
  greaterEqual: 'GreaterOrEqual',
  logicalAnd: 'And',
  logicalOr: 'Or',
  where: 'Where',
};

for (const [op, opType] of Object.entries(direct))
  defineRule(op, (context) => context.emit(opType, context.names));

const first = (context: RuleContext) => context.input(0).name;
const scalar = (context: RuleContext, value: number) => context.scalar(value, context.input(0).dtype);
const sixth = { alpha: { float: 1 / 6 }, beta: { float: 0.5 } };

defineRule('stopGradient', first);
defineRule('log1p', (context) =>
  context.emit('Log', [context.emit('Add', [first(context), scalar(context, 1)])]),
);
defineRule('rsqrt', (context) => context.emit('Reciprocal', [context.emit('Sqrt', [first(context)])]));
defineRule('square', (context) => context.emit('Mul', [first(context), first(context)]));
defineRule('relu6', (context) =>
  context.emit('Clip', [first(context), scalar(context, 0), scalar(context, 6)]),
);
defineRule('silu', (context) =>
  context.emit('Mul', [first(context), context.emit('Sigmoid', [first(context)])]),
);
defineRule('mish', (context) => {
  const softplus = context.emit('Softplus', [first(context)]);
  return context.emit('Mul', [first(context), context.emit('Tanh', [softplus])]);
});
defineRule('hardSigmoid', (context) => context.emit('HardSigmoid', [first(context)], sixth));
defineRule('hardSwish', (context) =>
  context.emit('Mul', [first(context), context.emit('HardSigmoid', [first(context)], sixth)]),
);
defineRule('isFinite', (context) => {
  const either = context.emit('Or', [
    context.emit('IsInf', [first(context)]),
    context.emit('IsNaN', [first(context)]),
  ]);
  return context.emit('Not', [either]);
});
defineRule('notEqual', (context) => context.emit('Not', [context.emit('Equal', context.names)]));
defineRule('leakyRelu', (context) =>
  context.emit('LeakyRelu', [first(context)], { alpha: { float: numberAttribute(context.attrs, 'slope') } }),
);
defineRule('elu', (context) =>
  context.emit('Elu', [first(context)], { alpha: { float: numberAttribute(context.attrs, 'alpha') } }),
);
defineRule('clamp', (context) => {
  const bound = (name: string) => {
    const value = numberAttribute(context.attrs, name);
    return Number.isFinite(value) ? scalar(context, value) : '';
  };
  return context.emit('Clip', [first(context), bound('min'), bound('max')]);
});
defineRule('powScalar', (context) =>
  context.emit('Pow', [first(context), scalar(context, numberAttribute(context.attrs, 'exponent'))]),
);
defineRule('cast', (context) => context.cast(first(context), context.output.dtype));
defineRule('gelu', (context) => {
  const x = first(context);
  const inner =
    textAttribute(context.attrs, 'approximate') === 'tanh'
      ? context.emit('Tanh', [geluPolynomial(context, x)])
      : context.emit('Erf', [context.emit('Mul', [x, scalar(context, Math.SQRT1_2)])]);
  const half = context.emit('Mul', [x, scalar(context, 0.5)]);
  return context.emit('Mul', [half, context.emit('Add', [inner, scalar(context, 1)])]);
});
defineRule('reluGrad', (context) => {
  const [dy, y] = [context.input(0).name, context.input(1).name];
  return context.emit('Where', [context.emit('Greater', [y, scalar(context, 0)]), dy, scalar(context, 0)]);
});

/** sqrt(2 / pi) * (x + 0.044715 x^3) */
function geluPolynomial(context: RuleContext, x: string): string {
  const square = context.emit('Mul', [x, x]);
  const cubic = context.emit('Mul', [context.emit('Mul', [square, x]), scalar(context, 0.044715)]);
  return context.emit('Mul', [context.emit('Add', [x, cubic]), scalar(context, Math.sqrt(2 / Math.PI))]);
}
