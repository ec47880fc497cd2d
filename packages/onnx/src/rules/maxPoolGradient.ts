/**
 * The gradient of max pooling as ONNX Runtime's processor kernels do it fastest (130 ms against 255 ms for the lowering, ResNet's pooling at
 * batch 8 on one core): MaxPool says where each largest element lies in the whole input; there the gradient is added. Ascend's compiler knows
 * neither output, so other dialects take the lowering.
 */

import { sizeOf } from '@omma/core';
import { defineRule } from '../rule.ts';
import { scatterElementsAdd } from './gather.ts';
import { poolingWindow } from './window.ts';

defineRule('maxPool2dGrad', {
  since: 17,
  supports: (_, __, dialect) => dialect.name === 'plain',
  write: (context) => {
    const [x, dy] = [context.input(0), context.input(1)];
    const [, found = ''] = context.emitAll('MaxPool', [x.name], poolingWindow(context, dy.shape), 2);
    // Where nothing in a window compares (all are NaN) ONNX Runtime finds a place before the beginning.
    const places = context.emit('Max', [found, context.integers([0])]);
    const flat = (name: string) => context.emit('Reshape', [name, context.integers([-1])]);
    const zeros = context.emit('Expand', [context.scalar(0, x.dtype), context.integers([sizeOf(x.shape)])]);
    const gradient = scatterElementsAdd(context, [zeros, flat(places), flat(dy.name)], 0);
    return context.emit('Reshape', [gradient, context.integers(x.shape)]);
  },
});
