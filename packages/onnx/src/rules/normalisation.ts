/** Rules of the normalisations that ONNX has; the others are lowered. Batch norm behind a convolution is gone by now (foldBatchNorm). */

import { numberAttribute } from '../attributes.ts';
import { defineRule, type RuleContext } from '../rule.ts';

const epsilon = (context: RuleContext) => ({ epsilon: { float: numberAttribute(context.attrs, 'eps') } });

defineRule('batchNorm', (context) => context.emit('BatchNormalization', context.names, epsilon(context)));
defineRule('instanceNorm', (context) =>
  context.emit('InstanceNormalization', context.names, epsilon(context)),
);
defineRule('layerNorm', {
  since: 17,
  write: (context) =>
    context.emit('LayerNormalization', context.names, {
      ...epsilon(context),
      axis: context.input(0).shape.length - context.input(1).shape.length,
    }),
});
