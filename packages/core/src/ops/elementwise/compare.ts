/** Comparisons: bool results, operands of one dtype. */

import { noGrad } from '../../op.ts';
import { defineBinary } from './define.ts';

const grad = noGrad('its result is a truth value');

function defineComparison(name: string, of: (a: number, b: number) => boolean, accepts: 'any' | 'numbers') {
  const samples = [
    {
      inputs: [
        { shape: [3], values: [1, 2, 3] },
        { shape: [3], values: [2, 2, 2] },
      ],
      attrs: {},
      note: 'ties',
    },
    {
      inputs: [
        { shape: [3], values: [-1, 0, 1], dtype: 'int32' as const },
        { shape: [], values: [0], dtype: 'int32' as const },
      ],
      attrs: {},
      note: 'integers',
    },
  ];
  return defineBinary({ name, of: (a, b) => (of(a, b) ? 1 : 0), grad, accepts, predicate: true, samples });
}

/** a == b, elementwise. */
export const equal = defineComparison('equal', (a, b) => a === b, 'any');
/** a != b, elementwise. */
export const notEqual = defineComparison('notEqual', (a, b) => a !== b, 'any');
/** a < b, elementwise. */
export const less = defineComparison('less', (a, b) => a < b, 'numbers');
/** a <= b, elementwise. */
export const lessEqual = defineComparison('lessEqual', (a, b) => a <= b, 'numbers');
/** a > b, elementwise. */
export const greater = defineComparison('greater', (a, b) => a > b, 'numbers');
/** a >= b, elementwise. */
export const greaterEqual = defineComparison('greaterEqual', (a, b) => a >= b, 'numbers');
