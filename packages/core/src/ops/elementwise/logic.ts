/** Truth values: and, or, not, and the test for finite numbers. */

import { defineOp, noGrad } from '../../op.ts';
import type { Tensor } from '../../tensor.ts';
import { mapElements } from '../broadcast.ts';
import { floatInput, type NoAttributes, typedInput } from '../check.ts';
import { defineBinary } from './define.ts';

const grad = noGrad('its result is a truth value');

/** Both are true. */
export const logicalAnd = defineBinary({
  name: 'logicalAnd',
  of: (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
  grad,
  accepts: 'bools',
  predicate: true,
});

/** At least one is true. */
export const logicalOr = defineBinary({
  name: 'logicalOr',
  of: (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
  grad,
  accepts: 'bools',
  predicate: true,
});

const logicalNotOp = defineOp<NoAttributes>({
  name: 'logicalNot',
  kind: 'elementwise',
  infer: (inputs) => ({ shape: typedInput('logicalNot', inputs, 0, 'x', 'bool').shape, dtype: 'bool' }),
  grad,
  amp: 'follow',
  reference: mapElements((x) => (x === 0 ? 1 : 0)),
  samples: [{ inputs: [{ shape: [2, 3], dtype: 'bool', low: 0, high: 2 }], attrs: {} }],
  errors: [
    { inputs: [{ shape: [2], dtype: 'float32' }], attrs: {}, message: /x must be bool but is float32\[2\]/ },
  ],
});

/** True where a bool tensor is false. */
export function logicalNot(x: Tensor): Tensor {
  return logicalNotOp.one([x], {});
}

const isFiniteOp = defineOp<NoAttributes>({
  name: 'isFinite',
  kind: 'elementwise',
  infer: (inputs) => ({ shape: floatInput('isFinite', inputs).shape, dtype: 'bool' }),
  grad,
  amp: 'follow',
  reference: mapElements((x) => (Number.isFinite(x) ? 1 : 0)),
  samples: [
    {
      inputs: [{ shape: [4], values: [1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN] }],
      attrs: {},
    },
  ],
  errors: [
    { inputs: [{ shape: [2], dtype: 'int32' }], attrs: {}, message: /x must be float but is int32\[2\]/ },
  ],
});

/** True where a float is neither infinite nor not a number. */
// biome-ignore lint/suspicious/noShadowRestrictedNames: the op's name
export function isFinite(x: Tensor): Tensor {
  return isFiniteOp.one([x], {});
}
