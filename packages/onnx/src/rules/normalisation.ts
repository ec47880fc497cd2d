/** Rules of the normalisations that ONNX has; the others are lowered. Batch norm behind a convolution is gone by now (foldBatchNorm). */

import { numberAttribute } from '../attributes.ts';
import { defineRule, type RuleContext } from '../rule.ts';

const epsilon = (context: RuleContext) => ({ epsilon: { float: numberAttribute(context.attrs, 'eps') } });

defineRule('batchNorm', (context) => context.emit('BatchNormalization', context.names, epsilon(context)));
// The operator's own training mode is missing from most runtimes. Statistics by reduction, then the operator as at inference: one pass.
defineRule('batchNormTrain', {
  supports: ([x], _, dialect) => x !== undefined && dialect.element(x.dtype) === 'float32',
  write: (context) => {
    const { name: x, shape } = context.input(0);
    const axes = shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const channels = context.integers([shape[1] ?? 1]);
    const mean = context.emit('ReduceMean', [x], { axes, keepdims: 1 });
    const centred = context.emit('Sub', [x, mean]);
    // Not ReduceSumSquare, which ONNX Runtime adds up one by one: over a large map that costs digits.
    const squares = context.emit('Mul', [centred, centred]);
    const variance = context.emit('ReduceMean', [squares], { axes, keepdims: 1 });
    const vectors = [mean, variance].map((statistic) => context.emit('Reshape', [statistic, channels]));
    const parameters = [context.input(1).name, context.input(2).name];
    return [context.emit('BatchNormalization', [x, ...parameters, ...vectors], epsilon(context)), ...vectors];
  },
});

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
