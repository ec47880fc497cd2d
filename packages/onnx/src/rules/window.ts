/**
 * Rules of pooling and resizing. ONNX Runtime and PyTorch disagree on which windows `ceil_mode` adds, so extra windows are always
 * written as explicit padding, whose amount follows from the known output size.
 */

import { at } from '@omma/core';
import { flagAttribute, type Pads, padsAttribute, pairAttribute, textAttribute } from '../attributes.ts';
import { computed, integerVector, takes } from '../dialect/takes.ts';
import { fixed } from '../dimensions.ts';
import { defineRule, type RuleContext } from '../rule.ts';

const list = ({ top, left, bottom, right }: Pads): number[] => [top, left, bottom, right];

/** How far the last window reaches beyond the padded input when it makes an output of shape `pooled`: at the bottom and at the right. */
function overhang(
  context: RuleContext,
  dilation: readonly [number, number],
  pooled: readonly number[] = context.output.shape,
): [number, number] {
  const kernel = pairAttribute(context.attrs, 'kernel');
  const stride = pairAttribute(context.attrs, 'stride');
  const { top, left, bottom, right } = padsAttribute(context.attrs, 'padding');
  const beyond = (axis: 0 | 1, padding: number) => {
    const out = at(pooled, axis + 2);
    const span = (out - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1;
    return Math.max(0, span - at(context.input(0).shape, axis + 2) - padding);
  };
  return [beyond(0, top + bottom), beyond(1, left + right)];
}

/** The attributes of a MaxPool of the first input that makes an output of shape `pooled`. */
export function poolingWindow(context: RuleContext, pooled: readonly number[]) {
  const dilations = pairAttribute(context.attrs, 'dilation');
  const [below, beside] = overhang(context, dilations, pooled);
  const pads = padsAttribute(context.attrs, 'padding');
  return {
    kernel_shape: pairAttribute(context.attrs, 'kernel'),
    strides: pairAttribute(context.attrs, 'stride'),
    pads: list({ ...pads, bottom: pads.bottom + below, right: pads.right + beside }),
    dilations,
  };
}

defineRule('maxPool2d', (context) =>
  context.emit('MaxPool', [context.input(0).name], poolingWindow(context, context.output.shape)),
);

defineRule('avgPool2d', (context) => {
  const [below, beside] = overhang(context, [1, 1]);
  const pads = padsAttribute(context.attrs, 'padding');
  const countsPadding = flagAttribute(context.attrs, 'countIncludePad');
  const common = {
    kernel_shape: pairAttribute(context.attrs, 'kernel'),
    strides: pairAttribute(context.attrs, 'stride'),
  };
  // The divisor counts the asked padding but never the overhang: pad with zeros first, then leave the overhang out.
  if (countsPadding && below + beside > 0) {
    const amounts = context.integers([0, 0, pads.top, pads.left, 0, 0, pads.bottom, pads.right]);
    const padded = context.emit('Pad', [context.input(0).name, amounts]);
    return context.emit('AveragePool', [padded], {
      ...common,
      pads: [0, 0, below, beside],
      count_include_pad: 0,
    });
  }
  return context.emit('AveragePool', [context.input(0).name], {
    ...common,
    pads: list({ ...pads, bottom: pads.bottom + below, right: pads.right + beside }),
    count_include_pad: countsPadding ? 1 : 0,
  });
});

defineRule('globalAvgPool', (context) => context.emit('GlobalAveragePool', context.names));

const modes: Readonly<Record<string, string>> = { nearest: 'nearest', bilinear: 'linear', bicubic: 'cubic' };

/** How `nearest` picks: the pixel at or before, which is the way that every runtime has. */
const placing = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };

defineRule('resize', {
  supports: (inputs, { mode }, dialect) => {
    const [x] = inputs.map((type) => computed(dialect, type));
    const attributes = { mode: modes[String(mode)] ?? '', ...placing };
    return takes(dialect, 'Resize', [x ?? null, null, null, integerVector(4, [])], attributes);
  },
  write: (context) => {
    const mode = textAttribute(context.attrs, 'mode');
    const [height, width] = pairAttribute(context.attrs, 'size');
    const dimensions = context.input(0).dimensions.slice(0, 2);
    const sizes = context.shape([...dimensions, fixed(height), fixed(width)]);
    const aligned = flagAttribute(context.attrs, 'alignCorners') ? 'align_corners' : 'half_pixel';
    return context.emit('Resize', [context.input(0).name, '', '', sizes], {
      mode: modes[mode] ?? mode,
      ...placing,
      ...(mode === 'nearest' ? {} : { coordinate_transformation_mode: aligned }),
      cubic_coeff_a: { float: -0.75 },
    });
  },
});
