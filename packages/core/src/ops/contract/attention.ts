/** Scaled dot-product attention, one op so that a device may never materialise the weights. */

import { ShapeError } from '../../errors.ts';
import { at, defineOp } from '../../op.ts';
import { broadcastShapes, formatShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { mul, softmax } from '../index.ts';
import { floatOperand, sameDType } from '../operands.ts';
import { matmul } from './matmul.ts';

export const attentionOp = defineOp<{ readonly scale: number }>({
  name: 'attention',
  kind: 'composite',
  infer: (inputs) => {
    const q = floatOperand('attention', inputs, 0, 'q');
    const k = floatOperand('attention', inputs, 1, 'k');
    const v = floatOperand('attention', inputs, 2, 'v');
    const dtype = sameDType('attention', { q, k, v });
    const described = `q ${formatShape(q.shape)}, k ${formatShape(k.shape)}, v ${formatShape(v.shape)}`;
    if (Math.min(q.shape.length, k.shape.length, v.shape.length) < 2) {
      throw new ShapeError(`attention: q, k and v must have rank 2 or more: ${described}`);
    }
    if (q.shape.at(-1) !== k.shape.at(-1)) {
      throw new ShapeError(`attention: q and k must have the same last extent: ${described}`);
    }
    if (k.shape.at(-2) !== v.shape.at(-2)) {
      throw new ShapeError(`attention: k and v must have the same number of tokens: ${described}`);
    }
    const batch = broadcastShapes('attention', ...[q, k, v].map(({ shape }) => shape.slice(0, -2)));
    return { shape: [...batch, at(q.shape, q.shape.length - 2), at(v.shape, v.shape.length - 1)], dtype };
  },
  grad: 'lower',
  lower: (inputs, { scale }) => {
    const [q, k, v] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    return matmul(softmax(mul(matmul(q, k, { transposeB: true }), scale), -1), v);
  },
  amp: 'low',
  samples: [
    {
      inputs: [{ shape: [2, 3, 4, 5] }, { shape: [2, 3, 6, 5] }, { shape: [2, 3, 6, 2] }],
      attrs: { scale: 0.5 },
    },
    { inputs: [{ shape: [4, 5] }, { shape: [3, 5] }, { shape: [3, 5] }], attrs: { scale: 1 } },
  ],
  errors: [
    {
      inputs: [
        { shape: [4, 5], dtype: 'float32' },
        { shape: [3, 6], dtype: 'float32' },
        { shape: [3, 5], dtype: 'float32' },
      ],
      attrs: { scale: 1 },
      message: /attention: q and k must have the same last extent: q \[4, 5\], k \[3, 6\], v \[3, 5\]/,
    },
  ],
});

/**
 * softmax(q k^T scale) v, as `torch.nn.functional.scaled_dot_product_attention`: q [..., L, d], k [..., S, d], v [..., S, e], result
 * [..., L, e]; leading axes broadcast. `scale` is 1 / sqrt(d) unless given.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: { scale?: number } = {}): Tensor {
  return attentionOp.one([q, k, v], { scale: options.scale ?? 1 / Math.sqrt(q.dim(-1)) });
}
