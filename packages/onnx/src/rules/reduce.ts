/** Rules of the reductions, arg-reductions, scans and softmax. */

import { flagAttribute, numberAttribute, numbersAttribute } from '../attributes.ts';
import { defineRule, type RuleContext } from '../rule.ts';

const keep = (context: RuleContext) => (flagAttribute(context.attrs, 'keepDims') ? 1 : 0);

// Until operator set 18 only the sum takes its axes as an input.
defineRule('sum', (context) => {
  const axes = numbersAttribute(context.attrs, 'axes');
  if (axes.length === 0) return context.input(0).name;
  return context.emit('ReduceSum', [context.input(0).name, context.integers(axes)], {
    keepdims: keep(context),
  });
});

for (const [op, opType] of [
  ['mean', 'ReduceMean'],
  ['max', 'ReduceMax'],
  ['min', 'ReduceMin'],
  ['prod', 'ReduceProd'],
] as const) {
  defineRule(op, (context) => {
    const axes = numbersAttribute(context.attrs, 'axes');
    if (axes.length === 0) return context.input(0).name;
    return context.emit(opType, [context.input(0).name], { axes, keepdims: keep(context) });
  });
}

for (const [op, opType] of [
  ['argMax', 'ArgMax'],
  ['argMin', 'ArgMin'],
] as const) {
  defineRule(op, (context) => {
    const axis = numberAttribute(context.attrs, 'axis');
    return context.cast(
      context.emit(opType, [context.input(0).name], { axis, keepdims: keep(context) }),
      'int32',
    );
  });
}

defineRule('cumSum', (context) =>
  context.emit('CumSum', [context.input(0).name, context.integer(numberAttribute(context.attrs, 'axis'))], {
    exclusive: flagAttribute(context.attrs, 'exclusive') ? 1 : 0,
    reverse: flagAttribute(context.attrs, 'reverse') ? 1 : 0,
  }),
);

for (const [op, opType] of [
  ['softmax', 'Softmax'],
  ['logSoftmax', 'LogSoftmax'],
] as const) {
  defineRule(op, (context) =>
    context.emit(opType, [context.input(0).name], { axis: numberAttribute(context.attrs, 'axis') }),
  );
}
