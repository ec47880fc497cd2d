/** Rules of the ops whose places come from data. ONNX counts in 64 bits, Omma in 32: results are cast, indices are taken as they are. */

import { at } from '@omma/core';
import { flagAttribute, numberAttribute } from '../attributes.ts';
import { defineRule, type RuleContext } from '../rule.ts';

const axis = (context: RuleContext) => ({ axis: numberAttribute(context.attrs, 'axis') });

defineRule('gather', (context) => context.emit('GatherElements', context.names, axis(context)));
defineRule('indexSelect', (context) => context.emit('Gather', context.names, axis(context)));
defineRule('embedding', (context) => context.emit('Gather', context.names, { axis: 0 }));
defineRule('scatterAdd', {
  since: 17,
  write: (context) => scatterElementsAdd(context, context.names, numberAttribute(context.attrs, 'axis')),
});

/** ScatterElements that adds: (data, indices, updates). ONNX Runtime's processor kernel adds float16 in float32 only. */
export function scatterElementsAdd(context: RuleContext, names: readonly string[], along: number): string {
  const { dtype } = context.output;
  const half = context.dialect.name === 'plain' && dtype === 'float16';
  const [data = '', indices = '', updates = ''] = names;
  const operands = half ? [context.cast(data, 'float32'), indices, context.cast(updates, 'float32')] : names;
  const sum = context.emit('ScatterElements', operands, { axis: along, reduction: 'add' });
  return half ? context.cast(sum, dtype) : sum;
}

// ONNX's own OneHot counts negative indices from the back; here they are no class at all.
defineRule('oneHot', (context) => {
  const depth = numberAttribute(context.attrs, 'depth');
  const index = context.input(0);
  const classes = context.array(
    Array.from({ length: depth }, (_, i) => i),
    [depth],
    index.dtype,
  );
  const column = context.emit('Unsqueeze', [index.name, context.integers([-1])]);
  return context.cast(context.emit('Equal', [column, classes]), 'float32');
});

function sorted(context: RuleContext, k: number, largest: boolean): string[] {
  const outputs = context.emitAll(
    'TopK',
    [context.input(0).name, context.integers([k])],
    { ...axis(context), largest: largest ? 1 : 0, sorted: 1 },
    2,
  );
  return [at(outputs, 0), context.cast(at(outputs, 1), 'int32')];
}

defineRule('topK', (context) =>
  sorted(context, numberAttribute(context.attrs, 'k'), flagAttribute(context.attrs, 'largest')),
);
defineRule('sort', (context) => {
  const extent = at(context.input(0).shape, numberAttribute(context.attrs, 'axis'));
  return sorted(context, extent, flagAttribute(context.attrs, 'descending'));
});
