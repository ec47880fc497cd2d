/** Normalisations by statistics of one sample: layer, group, instance, and vectors brought to unit length. */

import { ShapeError } from '../../errors.ts';
import type { TensorType } from '../../graph/graph.ts';
import { at, defineOp } from '../../op.ts';
import { formatShape, normalizeAxis, sameShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { add, cast, div, maximum, mean, mul, reshape, rsqrt, sqrt, square, sub, sum } from '../index.ts';
import { floatOperand } from '../operands.ts';

export const layerNormOp = defineOp<{ readonly eps: number }>({
  name: 'layerNorm',
  kind: 'composite',
  infer: (inputs) => {
    const x = floatOperand('layerNorm', inputs, 0, 'x');
    const weight = floatOperand('layerNorm', inputs, 1, 'weight');
    const bias = floatOperand('layerNorm', inputs, 2, 'bias');
    const tail = x.shape.slice(x.shape.length - weight.shape.length);
    if (weight.shape.length === 0 || !sameShape(tail, weight.shape) || !sameShape(bias.shape, weight.shape)) {
      throw new ShapeError(
        `layerNorm: weight and bias must have the shape of x's last axes: x ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, bias ${formatShape(bias.shape)}`,
      );
    }
    return { shape: x.shape, dtype: x.dtype };
  },
  grad: 'lower',
  lower: (inputs, { eps }) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const axes = weight.shape.map((_, i) => x.rank - weight.rank + i);
    const normal = standardised(cast(x, 'float32'), axes, eps);
    return cast(add(mul(normal, cast(weight, 'float32')), cast(bias, 'float32')), x.dtype);
  },
  amp: 'follow',
  samples: [
    { inputs: [{ shape: [3, 4, 7] }, { shape: [7] }, { shape: [7] }], attrs: { eps: 1e-6 } },
    {
      inputs: [{ shape: [3, 4, 5] }, { shape: [4, 5] }, { shape: [4, 5] }],
      attrs: { eps: 1e-5 },
      note: 'two axes',
    },
  ],
  errors: [
    {
      inputs: [[3, 4, 7], [4], [4]].map((shape) => ({ shape, dtype: 'float32' as const })),
      attrs: { eps: 1e-6 },
      message:
        /layerNorm: weight and bias must have the shape of x's last axes: x \[3, 4, 7\], weight \[4\], bias \[4\]/,
    },
  ],
});

export const groupNormOp = defineOp<{ readonly groups: number; readonly eps: number }>({
  name: 'groupNorm',
  kind: 'composite',
  infer: (inputs, { groups }) => {
    const x = channelled('groupNorm', inputs);
    if (!Number.isInteger(groups) || groups < 1 || at(x.shape, 1) % groups !== 0) {
      throw new ShapeError(
        `groupNorm: ${groups} groups do not divide the ${at(x.shape, 1)} channels of x ${formatShape(x.shape)}`,
      );
    }
    return { shape: x.shape, dtype: x.dtype };
  },
  grad: 'lower',
  lower: (inputs, { groups, eps }) => {
    const x = at(inputs, 0);
    const grouped = reshape(cast(x, 'float32'), [x.dim(0), groups, -1]);
    return scaledByChannel(reshape(standardised(grouped, [2], eps), x.shape), inputs);
  },
  amp: 'follow',
  samples: [
    { inputs: [{ shape: [3, 6, 4, 2] }, { shape: [6] }, { shape: [6] }], attrs: { groups: 2, eps: 1e-5 } },
  ],
  errors: [
    {
      inputs: [[3, 6, 4, 2], [6], [6]].map((shape) => ({ shape, dtype: 'float32' as const })),
      attrs: { groups: 4, eps: 1e-5 },
      message: /groupNorm: 4 groups do not divide the 6 channels of x \[3, 6, 4, 2\]/,
    },
  ],
});

export const instanceNormOp = defineOp<{ readonly eps: number }>({
  name: 'instanceNorm',
  kind: 'composite',
  infer: (inputs) => {
    const x = channelled('instanceNorm', inputs);
    if (x.shape.length < 3)
      throw new ShapeError(
        `instanceNorm: x must have axes after the channels but has shape ${formatShape(x.shape)}`,
      );
    return { shape: x.shape, dtype: x.dtype };
  },
  grad: 'lower',
  lower: (inputs, { eps }) => {
    const x = at(inputs, 0);
    const axes = x.shape.map((_, axis) => axis).slice(2);
    return scaledByChannel(standardised(cast(x, 'float32'), axes, eps), inputs);
  },
  amp: 'follow',
  samples: [{ inputs: [{ shape: [2, 3, 4, 5] }, { shape: [3] }, { shape: [3] }], attrs: { eps: 1e-5 } }],
  errors: [
    {
      inputs: [[2, 3, 4, 5], [4], [4]].map((shape) => ({ shape, dtype: 'float32' as const })),
      attrs: { eps: 1e-5 },
      message:
        /instanceNorm: weight must have shape \[3\], one number a channel of x \[2, 3, 4, 5\], but has \[4\]/,
    },
  ],
});

export const l2NormalizeOp = defineOp<{ readonly axis: number; readonly eps: number }>({
  name: 'l2Normalize',
  kind: 'composite',
  infer: (inputs, { axis }) => {
    const x = floatOperand('l2Normalize', inputs, 0, 'x');
    normalizeAxis('l2Normalize', axis, x.shape.length);
    return { shape: x.shape, dtype: x.dtype };
  },
  grad: 'lower',
  lower: (inputs, { axis, eps }) => {
    const x = cast(at(inputs, 0), 'float32');
    const squares = sum(square(x), { axes: [axis], keepDims: true });
    return cast(div(x, sqrt(maximum(squares, eps * eps))), at(inputs, 0).dtype);
  },
  amp: 'f32',
  samples: [
    { inputs: [{ shape: [3, 8] }], attrs: { axis: 1, eps: 1e-12 } },
    { inputs: [{ shape: [2, 3, 4] }], attrs: { axis: 0, eps: 1e-12 } },
  ],
  errors: [
    {
      inputs: [{ shape: [3, 8], dtype: 'float32' }],
      attrs: { axis: 2, eps: 1e-12 },
      message: /l2Normalize: axis must be an integer in \[-2, 1\] but is 2/,
    },
  ],
});

/** Zero mean and unit variance over the last axes, those that `weight` has, as `torch.nn.functional.layer_norm`. */
export function layerNorm(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  { eps = 1e-5 }: { eps?: number } = {},
): Tensor {
  return layerNormOp.one([x, weight, bias], { eps });
}

/** Zero mean and unit variance over each of `groups` groups of channels of each sample, as `torch.nn.functional.group_norm`. */
export function groupNorm(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  { groups, eps = 1e-5 }: { groups: number; eps?: number },
): Tensor {
  return groupNormOp.one([x, weight, bias], { groups, eps });
}

/** Zero mean and unit variance over each channel of each sample, as `torch.nn.functional.instance_norm`. */
export function instanceNorm(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  { eps = 1e-5 }: { eps?: number } = {},
): Tensor {
  return instanceNormOp.one([x, weight, bias], { eps });
}

/** x / max(length along `axis`, eps), as `torch.nn.functional.normalize`; zero vectors stay zero, with zero gradient. */
export function l2Normalize(
  x: Tensor,
  { axis = 1, eps = 1e-12 }: { axis?: number; eps?: number } = {},
): Tensor {
  return l2NormalizeOp.one([x], { axis: normalizeAxis('l2Normalize', axis, x.rank), eps });
}

function standardised(x: Tensor, axes: readonly number[], eps: number): Tensor {
  const centred = sub(x, mean(x, { axes, keepDims: true }));
  return mul(centred, rsqrt(add(mean(square(centred), { axes, keepDims: true }), eps)));
}

/** normal * weight + bias along axis 1, in the dtype of input x. */
function scaledByChannel(normal: Tensor, inputs: readonly Tensor[]): Tensor {
  const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
  const shape = [1, -1, ...new Array<number>(normal.rank - 2).fill(1)];
  const wide = (vector: Tensor) => reshape(cast(vector, 'float32'), shape);
  return cast(add(mul(normal, wide(weight)), wide(bias)), x.dtype);
}

function channelled(op: string, inputs: readonly TensorType[]): TensorType {
  const x = floatOperand(op, inputs, 0, 'x');
  const channels = x.shape[1];
  if (channels === undefined)
    throw new ShapeError(`${op}: x must have a channel axis 1 but has shape ${formatShape(x.shape)}`);
  ['weight', 'bias'].forEach((name, i) => {
    const vector = floatOperand(op, inputs, i + 1, name);
    if (!sameShape(vector.shape, [channels])) {
      throw new ShapeError(
        `${op}: ${name} must have shape [${channels}], one number a channel of x ${formatShape(x.shape)}, but has ${formatShape(vector.shape)}`,
      );
    }
  });
  return x;
}
