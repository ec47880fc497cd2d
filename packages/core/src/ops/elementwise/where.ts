/** Choice by a condition. */

import { at, defineOp, type GradientContext } from '../../op.ts';
import { broadcastShapes } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { mapElements } from '../broadcast.ts';
import { anyInput, type NoAttributes, typedInput } from '../check.ts';
import { sameDType } from '../operands.ts';
import { type Operand, operands } from './define.ts';

const condition = { shape: [2, 3], dtype: 'bool', low: 0, high: 2 } as const;

const whereOp = defineOp<NoAttributes>({
  name: 'where',
  kind: 'elementwise',
  infer: (inputs) => {
    const c = typedInput('where', inputs, 0, 'c', 'bool');
    const a = anyInput('where', inputs, 1, 'a');
    const b = anyInput('where', inputs, 2, 'b');
    sameDType('where', { a, b });
    return { shape: broadcastShapes('where', c.shape, a.shape, b.shape), dtype: a.dtype };
  },
  grad: (context: GradientContext<NoAttributes>) => {
    const c = at(context.inputs, 0);
    const dy = context.cotangent();
    return [null, context.needs(1) ? where(c, dy, 0) : null, context.needs(2) ? where(c, 0, dy) : null];
  },
  amp: 'widest',
  reference: mapElements((c, a, b) => (c !== 0 ? a : b)),
  samples: [
    { inputs: [condition, { shape: [2, 3] }, { shape: [2, 3] }], attrs: {} },
    { inputs: [condition, { shape: [] }, { shape: [3] }], attrs: {}, note: 'broadcast' },
    {
      inputs: [{ ...condition, shape: [2, 1] }, { shape: [4, 1, 3] }, { shape: [] }],
      attrs: {},
      note: 'broadcast the condition',
    },
  ],
  errors: [
    {
      inputs: [
        { shape: [2], dtype: 'float32' },
        { shape: [2], dtype: 'float32' },
        { shape: [2], dtype: 'float32' },
      ],
      attrs: {},
      message: /where: c must be bool but is float32\[2\]/,
    },
    {
      inputs: [
        { shape: [2], dtype: 'bool' },
        { shape: [2], dtype: 'float32' },
        { shape: [2], dtype: 'int32' },
      ],
      attrs: {},
      message: /where: a and b must have the same dtype/,
    },
  ],
});

/** `a` where the bool tensor `c` is true, else `b`. All three broadcast; `a` and `b` have one dtype. */
export function where(c: Tensor, a: Operand, b: Operand): Tensor {
  return whereOp.one([c, ...operands('where', a, b)], {});
}
