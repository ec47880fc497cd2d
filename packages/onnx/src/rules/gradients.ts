/**
 * Gradients that the plain dialect writes otherwise than their lowerings do, because ONNX Runtime's processor kernels for padding, scattered
 * writes and sums over the batch are slow. Other dialects take the lowering.
 */

import { at, sizeOf } from '@omma/core';
import { numberAttribute, numbersAttribute, padsAttribute, pairAttribute } from '../attributes.ts';
import { defineRule, type RuleContext } from '../rule.ts';
import { poolingWindow } from './window.ts';

/**
 * One matrix product a group, over batch and pixels together: dy [G, O / G, N * P] times the pixels that each tap of the kernel sees
 * [G, taps * C / G, N * P], transposed. Channels come first, so that the sum over the batch is part of the product.
 */
defineRule('conv2dWeightGrad', {
  supports: (_, __, dialect) => dialect.name === 'plain',
  write: (context) => {
    const [, , kernelHeight = 1, kernelWidth = 1] = numbersAttribute(context.attrs, 'weightShape');
    const groups = numberAttribute(context.attrs, 'groups');
    const [batch = 1, outChannels = 1, height = 1, width = 1] = context.input(1).shape;
    const inEach = at(context.output.shape, 1);
    const outEach = outChannels / groups;
    const places = batch * height * width;
    const reshape = (value: string, shape: readonly number[]) =>
      context.emit('Reshape', [value, context.integers(shape)]);

    const padded = channelsFirst(context);
    const taps: string[] = [];
    for (let y = 0; y < kernelHeight; y++) {
      for (let x = 0; x < kernelWidth; x++)
        taps.push(reshape(tap(context, padded, y, x), [groups, inEach, places]));
    }
    const columns = taps.length === 1 ? at(taps, 0) : context.emit('Concat', taps, { axis: 1 });
    const dy = context.emit('Transpose', [context.cast(context.input(1).name, 'float32')], {
      perm: [1, 0, 2, 3],
    });
    const product = context.emit('MatMul', [
      reshape(dy, [groups, outEach, places]),
      context.emit('Transpose', [columns], { perm: [0, 2, 1] }),
    ]);
    const byTap = reshape(product, [outChannels, kernelHeight, kernelWidth, inEach]);
    return context.emit('Transpose', [byTap], { perm: [0, 3, 1, 2] });
  },
});

/** The first input in float32 as [C, N, H, W], with the convolution's padding around it. */
function channelsFirst(context: RuleContext): string {
  const x = context.emit('Transpose', [context.cast(context.input(0).name, 'float32')], {
    perm: [1, 0, 2, 3],
  });
  const { top, left, bottom, right } = padsAttribute(context.attrs, 'padding');
  if (top + left + bottom + right === 0) return x;
  return context.emit('Pad', [x, context.integers([0, 0, top, left, 0, 0, bottom, right])]);
}

/** The pixels that the kernel's tap (`y`, `x`) meets, one an output pixel. */
function tap(context: RuleContext, padded: string, y: number, x: number): string {
  const stride = pairAttribute(context.attrs, 'stride');
  const dilation = pairAttribute(context.attrs, 'dilation');
  const [, , height = 1, width = 1] = context.input(1).shape;
  const starts = [y * dilation[0], x * dilation[1]];
  const ends = [at(starts, 0) + (height - 1) * stride[0] + 1, at(starts, 1) + (width - 1) * stride[1] + 1];
  return context.emit('Slice', [
    padded,
    context.integers(starts),
    context.integers(ends),
    context.integers([2, 3]),
    context.integers(stride),
  ]);
}

/** MaxPool says where each largest element lies in the whole input; there the gradient is added. */
defineRule('maxPool2dGrad', {
  since: 17,
  supports: (_, __, dialect) => dialect.name === 'plain',
  write: (context) => {
    const [x, dy] = [context.input(0), context.input(1)];
    const [, found = ''] = context.emitAll('MaxPool', [x.name], poolingWindow(context, dy.shape), 2);
    // Where nothing in a window compares (all are NaN) ONNX Runtime finds a place before the beginning.
    const places = context.emit('Max', [found, context.integers([0])]);
    const flat = context.integers([-1]);
    const zeros = context.emit('ConstantOfShape', [context.integers([sizeOf(x.shape)])]);
    const gradient = context.emit(
      'ScatterElements',
      [zeros, context.emit('Reshape', [places, flat]), context.emit('Reshape', [dy.name, flat])],
      { axis: 0, reduction: 'add' },
    );
    return context.emit('Reshape', [gradient, context.integers(x.shape)]);
  },
});
