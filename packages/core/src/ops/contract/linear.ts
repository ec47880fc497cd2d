/** The fully connected layer as one op, so that devices can keep the weight in their own layout and add the bias on the way. */

import { ShapeError } from '../../errors.ts';
import { at, defineOp } from '../../op.ts';
import { formatShape, type Shape, sameShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { add, cast, reshape, sum } from '../index.ts';
import { floatOperand, sameDType } from '../operands.ts';
import { copied, multiplyRows } from './dense.ts';
import { matmul } from './matmul.ts';

export const linearOp = defineOp<Record<string, never>>({
  name: 'linear',
  kind: 'contract',
  infer: (inputs) => {
    const x = floatOperand('linear', inputs, 0, 'x');
    const weight = floatOperand('linear', inputs, 1, 'weight', 2, 'out, in');
    const dtype = sameDType('linear', { x, weight });
    const features = x.shape.at(-1);
    if (features !== at(weight.shape, 1)) {
      throw new ShapeError(
        `linear: weight expects ${at(weight.shape, 1)} input features but x has ${features ?? 'none'}: x ${formatShape(x.shape)}, weight ${formatShape(weight.shape)} (out, in)`,
      );
    }
    if (inputs.length > 2) {
      const bias = floatOperand('linear', inputs, 2, 'bias');
      if (!sameShape(bias.shape, [at(weight.shape, 0)])) {
        throw new ShapeError(
          `linear: bias must have shape [${at(weight.shape, 0)}] but has ${formatShape(bias.shape)}`,
        );
      }
    }
    return { shape: [...x.shape.slice(0, -1), at(weight.shape, 0)], dtype };
  },
  grad: ({ inputs, cotangent, needs }) => {
    const [x, weight, dy] = [at(inputs, 0), at(inputs, 1), cotangent()];
    const rows = (tensor: Tensor) =>
      tensor.rank === 2 ? tensor : reshape(tensor, [sizeOf(x.shape.slice(0, -1)), tensor.dim(-1)]);
    return inputs.map((_, i) => {
      if (!needs(i)) return null;
      if (i === 0) return reshapeTo(matmul(rows(dy), weight), x.shape);
      if (i === 1) return matmul(rows(dy), rows(x), { transposeA: true });
      return sum(rows(dy), { axes: [0] });
    });
  },
  lower: ([x, weight, bias]) => {
    if (x === undefined || weight === undefined) throw new Error('linear: checked by infer');
    const y = matmul(x, weight, { transposeB: true });
    return bias === undefined ? y : add(y, cast(bias, x.dtype));
  },
  amp: 'low',
  reference: (inputs) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), inputs[2]];
    const [out, features] = [at(weight.shape, 0), at(weight.shape, 1)];
    const rows = sizeOf(x.shape.slice(0, -1));
    const y = multiplyRows(
      copied(x.data, 0, x.data.length),
      copied(weight.data, 0, weight.data.length),
      rows,
      out,
      features,
    );
    if (bias !== undefined) {
      for (let i = 0; i < y.length; i++) y[i] = (y[i] ?? 0) + (bias.data[i % out] ?? 0);
    }
    return y;
  },
  samples: [
    { inputs: [{ shape: [3, 5] }, { shape: [4, 5] }, { shape: [4] }], attrs: {} },
    { inputs: [{ shape: [2, 3, 5] }, { shape: [4, 5] }], attrs: {}, note: 'rank 3, no bias' },
    {
      inputs: [{ shape: [3, 0] }, { shape: [4, 0] }, { shape: [4] }],
      attrs: {},
      note: 'no input features: the bias',
    },
    {
      inputs: [{ shape: [2, 3, 0] }, { shape: [4, 0] }, { shape: [4] }],
      attrs: {},
      note: 'rank 3, no input features',
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [3, 6], dtype: 'float32' },
        { shape: [4, 5], dtype: 'float32' },
      ],
      attrs: {},
      message: /linear: weight expects 5 input features but x has 6: x \[3, 6\], weight \[4, 5\] \(out, in\)/,
    },
    {
      inputs: [
        { shape: [3, 5], dtype: 'float32' },
        { shape: [4, 5], dtype: 'float32' },
        { shape: [5], dtype: 'float32' },
      ],
      attrs: {},
      message: /linear: bias must have shape \[4\] but has \[5\]/,
    },
  ],
});

/** x weight^T + bias, as `torch.nn.functional.linear`: x [..., in], weight [out, in], bias [out] or null. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  return linearOp.one(bias === null ? [x, weight] : [x, weight, bias], {});
}

function reshapeTo(tensor: Tensor, shape: Shape): Tensor {
  return sameShape(tensor.shape, shape) ? tensor : reshape(tensor, shape);
}
